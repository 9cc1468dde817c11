package protobuf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Schema is a compiled file of message types.
type Schema struct{ file protoreflect.FileDescriptor }

// File is a schema that another one imports.
type File struct {
	Name string // as the import statement has it
	Text string
}

// main is the name of the schema itself; whoever imports a file cannot mean it.
const main = "(the schema).proto"

// Parse compiles the text of a schema and of the files that it imports, directly or by others. The types that come with
// Protobuf need not be given.
func Parse(ctx context.Context, schema string, imports ...File) (*Schema, error) {
	texts := maps.Clone(known)
	texts[main] = schema
	for _, f := range imports {
		texts[f.Name] = f.Text
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: protocompile.SourceAccessorFromMap(texts),
		}),
		MaxParallelism: 1,
	}
	files, err := compiler.Compile(ctx, main)
	if err != nil {
		return nil, fmt.Errorf("parse the schema: %w", err)
	}
	return &Schema{files[0]}, nil
}

var (
	errIndexes = errors.New("does not say which message of its schema it is")
	errMessage = errors.New("is a message that its schema does not have: it is written by another schema")
)

// messageOf reads which message of the schema a value is, as Confluent's serializers write it before the message: the
// place of a message in the file, then in that message, and so on. A single zero stands for the first one.
func (s *Schema) messageOf(data []byte) (protoreflect.MessageDescriptor, []byte, error) {
	next := func() (int64, bool) {
		n, size := binary.Varint(data)
		if size <= 0 {
			return 0, false
		}
		data = data[size:]
		return n, true
	}
	count, ok := next()
	if !ok || count < 0 || count > maxDepth {
		return nil, nil, errIndexes
	}
	in := s.file.Messages()
	var message protoreflect.MessageDescriptor
	for n := range max(count, 1) {
		i, ok := int64(0), true
		if n < count {
			i, ok = next()
		}
		switch {
		case !ok:
			return nil, nil, errIndexes
		case i < 0 || i >= int64(in.Len()):
			return nil, nil, errMessage
		}
		message = in.Get(int(i))
		in = message.Messages()
	}
	return message, data, nil
}
