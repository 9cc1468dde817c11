// Package doctor examines everything that a bridge needs, before it is started or beside one that runs: the broker's
// rights, retention and limits, the places of dead letters, ledger and fences, how persons are spread over partitions,
// Customer.io's credentials and region, and clocks.
//
// It changes nothing: it joins no group, makes no topic, and sends nothing but questions. What the broker says comes
// from source.Broker's Examine and from the checks that the bridge itself makes at its start; the rest is here.
//
// There is no state, no lock and no goroutine. Begin reading with [Examine].
package doctor
