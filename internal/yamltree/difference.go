package yamltree

import "slices"

// Differing are the paths of what one tree says and another does not, or says otherwise, in the order of the first.
// Maps are compared key by key, and everything else as a whole. Either tree may be nil.
func Differing(a, b *Node) (paths []string) {
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil:
		return []string{b.Path}
	case b == nil, a.Kind != Map || b.Kind != Map:
		if !a.equal(b) {
			return []string{a.Path}
		}
		return nil
	}
	for _, e := range a.Entries {
		paths = append(paths, Differing(e.Value, b.Get(e.Key.Value))...)
	}
	for _, e := range b.Entries {
		if a.Get(e.Key.Value) == nil {
			paths = append(paths, e.Value.Path)
		}
	}
	return paths
}

// equal reports whether two nodes mean the same.
func (n *Node) equal(other *Node) bool {
	if other == nil || n.Kind != other.Kind || n.Value != other.Value {
		return false
	}
	if n.Kind == Map {
		return len(Differing(n, other)) == 0
	}
	return slices.EqualFunc(n.Items, other.Items, (*Node).equal)
}
