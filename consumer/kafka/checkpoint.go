package kafka

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
)

// What a commit's metadata may take. Brokers refuse more than offset.metadata.max.bytes for a partition, which is 4096
// unless they are set up otherwise, and a commit that is larger as a whole than a batch of the topic in which they keep
// offsets, which is 1 MB.
const (
	maxMetadata    = 4096
	maxMetadataAll = 512 << 10
)

// checkpoint is what the group has committed for a partition. Kafka stores the offset, and the rest in the text beside
// it, which is called metadata.
type checkpoint struct {
	offset int64 // the next to read; -1 when nothing is committed
	// partitions is how many partitions the topic had then, 0 when the commit does not tell. A partition with a number
	// not below it did not exist yet.
	partitions int
	// reader is who made the commit, empty when that was not a bridge that reads.
	reader string
	acked  consumer.AckedRanges // at offset and past it
}

const metadataPrefix = "ciobridge partitions="

// metadata is the text that is stored with a committed offset: words with a space between them, at most limit bytes or
// none. Log names the partition's log.
func (c checkpoint) metadata(log string, limit int) string {
	text := metadataPrefix + strconv.Itoa(c.partitions)
	if c.reader != "" {
		text += " reader=" + c.reader
	}
	if len(text) > limit {
		return ""
	}
	const word = " done="
	if len(c.acked) == 0 {
		return text
	}
	if done := c.acked.Encode(log, c.offset, limit-len(text)-len(word)); done != "" {
		text += word + done
	}
	return text
}

// parseCheckpoint reads what stands in a commit. A text of another make says nothing, and of a newer one what is known
// is read.
func parseCheckpoint(log string, offset int64, metadata string) checkpoint {
	c := checkpoint{offset: offset}
	text, ok := strings.CutPrefix(metadata, metadataPrefix)
	if !ok || offset < 0 {
		return c
	}
	words := strings.Split(text, " ")
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 0 {
		return c
	}
	c.partitions = n
	for _, word := range words[1:] {
		if reader, ok := strings.CutPrefix(word, "reader="); ok {
			c.reader = reader
		}
		if done, ok := strings.CutPrefix(word, "done="); ok {
			c.acked = consumer.DecodeAckedRanges(log, offset, done)
		}
	}
	return c
}

// newReaderID names a reader, so that it knows its own commits.
func newReaderID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// recall adds to what is committed for a partition what this process knows to be acked beyond that. It counts only
// where the last commit is this reader's own. Whoever else has read the partition since, were it one message, or has
// set its offset, has made a commit before; and with a topic go the commits.
func (k *Source) recall(key partitionKey, c checkpoint) checkpoint {
	k.mu.Lock()
	tracker := k.past[key]
	k.mu.Unlock()
	if tracker == nil || c.offset < 0 || c.reader != k.reader {
		return c
	}
	committable, acked, _ := tracker.Acked(nil)
	c.acked = nil
	if committable > c.offset {
		c.acked = consumer.AckedRanges{{From: c.offset, To: committable}}
	}
	for _, r := range acked {
		c.acked = c.acked.Append(consumer.Range{From: max(r.From, c.offset), To: r.To})
	}
	return c
}

// remember takes over what the generation knows to be acked, for the next one. What is acked from now on counts too.
func (k *Source) remember(g *generation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	past := map[partitionKey]*consumer.Tracker{}
	for _, p := range g.partitions {
		p.mu.Lock()
		tracker, deleted := p.tracker, p.deleted
		p.mu.Unlock()
		if tracker == nil {
			tracker = k.past[p.key] // this generation has not come to read it
		}
		if tracker != nil && !deleted {
			past[p.key] = tracker
		}
	}
	k.past = past
}

// metadataLimit is how much metadata a commit of so many partitions carries for each.
func (k *Source) metadataLimit(partitions int) int {
	return min(int(k.metadata.Load()), maxMetadataAll/max(1, partitions))
}

// lessMetadata is called when a commit has failed. Where it has because of its metadata, the following ones carry less,
// in the end none.
func (k *Source) lessMetadata(err error, partitions int) {
	if !errors.Is(err, kafka.OffsetMetadataTooLarge) && !errors.Is(err, kafka.InvalidCommitOffsetSize) {
		return
	}
	limit := k.metadataLimit(partitions) / 4
	k.metadata.Store(int32(limit))
	k.log.Warn("the brokers take less metadata with a commit: more will be sent again after a crash",
		zap.Int("bytes", limit), zap.Error(err))
}

// advance moves the offset over what is acked right behind it.
func (c *checkpoint) advance() {
	if len(c.acked) > 0 && c.acked[0].From <= c.offset {
		c.offset, c.acked = c.acked[0].To, c.acked[1:]
	}
}

// addedLater reports whether a partition without a committed offset came into being after the group had begun to read
// its topic: another partition's commit was made when the topic had fewer partitions.
func addedLater(key partitionKey, all map[partitionKey]checkpoint) bool {
	for other, c := range all {
		if other.topic == key.topic && c.offset >= 0 && c.partitions > 0 && int(key.id) >= c.partitions {
			return true
		}
	}
	return false
}
