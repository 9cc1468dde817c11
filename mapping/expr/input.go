package expr

import (
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// runJQ runs a program on gojq.
func (d *Document) runJQ(p *Program, yield func(Value) error) error {
	var vars []any
	for _, name := range p.jq.Vars() {
		vars = append(vars, projection.Decode(d.lookup(name).Raw))
	}
	if err := d.exhausted(); err != nil {
		return err
	}
	steps, err := p.jq.Run(d.input(p.projection), vars, &d.arena, yield)
	d.used += steps
	return err
}

// input gives what a program reads of the document, with no more than that about it.
func (d *Document) input(r *projection.Projection) any {
	for i := range d.inputs {
		if d.inputs[i].of == r {
			return d.inputs[i].value
		}
	}
	v := r.Of(&d.doc)
	d.inputs = append(d.inputs, input{r, v})
	return v
}
