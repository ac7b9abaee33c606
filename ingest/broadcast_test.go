package ingest

import "testing"

func heard(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestBroadcast(t *testing.T) {
	b := newBroadcast()
	a1, a2, other := b.next("a"), b.next("a"), b.next("other")
	b.announce("a")
	b.announce("nobody waits for this")
	if !heard(a1) || !heard(a2) || heard(other) {
		t.Errorf("heard %v %v %v; want both of a, not the other", heard(a1), heard(a2), heard(other))
	}
	again := b.next("a")
	if heard(again) {
		t.Error("the last announcement is heard again")
	}
	b.all()
	if !heard(again) || !heard(other) || len(b.waiting) != 0 {
		t.Errorf("told all: %v %v, %d names left", heard(again), heard(other), len(b.waiting))
	}
}
