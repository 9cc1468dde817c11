package traffic

// List is a record with a list of twenty events of the shop.
var List = Shape{Name: "list", Events: 20, Append: appendList}

func appendList(dst []byte, events [][]byte) []byte {
	dst = append(dst, `{"records":[`...)
	for i, e := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, e...)
	}
	return append(dst, "]}"...)
}
