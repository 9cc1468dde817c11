package mapping

// moment is an event's time. Known is false where neither the event nor the broker gave one.
type moment struct {
	ms    int64 // unix milliseconds
	known bool
}

// unix is the moment in whole seconds, as Customer.io takes it.
func (m moment) unix() int64 { return m.ms / 1000 }
