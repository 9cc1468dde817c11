package consumer

// OffsetInfo says how far one partition is read.
type OffsetInfo struct {
	Topic     string
	Partition int32
	Committed int64 // the next offset to read; -1 when nothing is committed
	Start     int64 // the first offset of the log
	End       int64 // the offset that the next record will get
	Done      int64 // offsets from the committed one on that are acked already
	Gone      int64 // how many of Done stand before Start
}

// Lag is the number of offsets between what is committed and the end of the log; all of the log where nothing is
// committed.
func (o OffsetInfo) Lag() int64 {
	if o.Committed < 0 {
		return o.End - o.Start
	}
	return max(0, o.End-max(o.Committed, o.Start)-o.Done+o.Gone)
}

// Lost is the number of offsets by which the committed one is outside of the log: records that were deleted before they
// were read, or that the log has never had or has lost.
func (o OffsetInfo) Lost() int64 {
	if o.Committed < 0 {
		return 0
	}
	return max(o.Start-o.Committed-o.Gone, o.Committed-o.End, 0)
}

// OffsetChange sets the committed offset of one partition.
type OffsetChange struct {
	Topic     string
	Partition int32
	Offset    int64 // the next offset to read
}
