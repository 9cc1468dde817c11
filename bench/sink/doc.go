// Package sink is the stand-in for Customer.io of the bench. It takes every batch, counts what is in it and answers
// as Customer.io does, with as little work as it can. Of each event it checks the number that the event carries, and
// so finds what is lost, repeated or out of order.
package sink
