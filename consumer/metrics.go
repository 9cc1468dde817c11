package consumer

import "github.com/prometheus/client_golang/prometheus"

// PartitionLabels are the labels of every series that describes one partition.
var PartitionLabels = []string{"topic", "partition"}

// OldestUnfinishedDesc describes the age of the oldest message in flight, which every source tells of each of its
// partitions.
var OldestUnfinishedDesc = prometheus.NewDesc("ciobridge_oldest_unfinished_seconds",
	"How long the oldest unfinished message of the partition has been in hand; 0 when none is.", PartitionLabels, nil)
