package document

import "slices"

// The members of a time that is an object: of Protobuf and of Firestore. That of MongoDB is $date.
var (
	secondsNames = []string{"seconds", "_seconds"}
	nanosNames   = []string{"nanos", "nanoseconds", "_nanoseconds"}
)

// secondsOf gives the seconds of a time that is an object of seconds and perhaps nanoseconds.
func secondsOf(v Value) (seconds Value, ok bool) {
	for m := MembersOf(v); m.Next(); {
		switch name := string(m.Key); {
		case slices.Contains(secondsNames, name):
			seconds, ok = m.Value, m.Value.Kind == Number || m.Value.Kind == String
		case !slices.Contains(nanosNames, name):
			return Value{}, false
		}
	}
	return seconds, ok
}

// readObject reads a time that is an object: seconds and nanoseconds, or the extended JSON of MongoDB, in which numbers
// are milliseconds. It is not ok for any other object.
func (r TimeReader) readObject(v Value) (ms int64, known bool, problem string, ok bool) {
	if seconds, ok := secondsOf(v); ok {
		ms, known, problem = r.readParts(v, seconds)
		return ms, known, problem, true
	}
	inner, ok := onlyMember(v, "$date")
	if long, isLong := onlyMember(inner, "$numberLong"); isLong && long.Kind == String {
		inner = unquoted(long)
	}
	if !ok || inner.Kind != Number && inner.Kind != String {
		return 0, false, "", false
	}
	r.PerSecond = 1000
	ms, known, problem = r.Read(inner)
	return ms, known, problem, true
}

// onlyMember is the value of an object's only member, which has that name.
func onlyMember(v Value, name string) (Value, bool) {
	if v.Kind != Object || CountMembers(v.Raw) != 1 {
		return Value{}, false
	}
	inner := MemberOf(v.Raw, name)
	return inner, inner.Kind != Null
}

// readParts reads an object of seconds and nanoseconds. Either may be a text, as Protobuf writes 64-bit numbers.
func (r TimeReader) readParts(v, seconds Value) (ms int64, known bool, problem string) {
	n, whole, fits := wholeNumber(unquoted(seconds))
	switch {
	case fits && whole && isZeroCount(n):
		return 0, false, ""
	case !fits || !whole || !isPlausible(n, 1):
		return 0, false, "has seconds that are no whole unix seconds from 1800 to 2200"
	}
	for m := MembersOf(v); m.Next(); {
		if !slices.Contains(nanosNames, string(m.Key)) || m.Value.Kind == Null {
			continue
		}
		nanos, whole, fits := wholeNumber(unquoted(m.Value))
		if !fits || !whole || nanos < 0 || nanos >= 1_000_000_000 {
			return 0, false, "has nanoseconds that are not from 0 to 999999999"
		}
		ms = nanos / 1_000_000
	}
	return n*1000 + ms, true, ""
}

// unquoted is the number in a text, or v itself. What is no number does not fit.
func unquoted(v Value) Value {
	if v.Kind == String {
		v.Kind, v.Raw = Number, v.Raw[1:len(v.Raw)-1]
	}
	return v
}
