package customerio

// Region says in which of Customer.io's data centres a workspace lives. Data of an EU workspace that is sent to the US
// host passes through the US; data of a US workspace that is sent to the EU host is refused.
type Region string

// The regions of Customer.io.
const (
	US Region = "us"
	EU Region = "eu"
)

// TrackURL is the root of the region's Track API; empty for anything but us and eu.
func (r Region) TrackURL() string {
	switch r {
	case US:
		return "https://track.customer.io"
	case EU:
		return "https://track-eu.customer.io"
	}
	return ""
}
