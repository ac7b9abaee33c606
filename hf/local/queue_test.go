package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// waiting is a request for texts of these many tokens.
func waiting(lengths ...int) *request {
	texts := make([]text, len(lengths))
	for i, n := range lengths {
		texts[i].ids = make([]int32, n)
	}
	return newRequest(texts, 0)
}

// TestTake cuts batches until nothing waits. A batch lists, for each text, whose it is and its number there.
func TestTake(t *testing.T) {
	type at struct{ Request, Text int }
	tests := []struct {
		name     string
		requests [][]int
		budget   int
		want     [][]at
	}{
		{"nothing", nil, 10, nil},
		{"one text", [][]int{{3}}, 10, [][]at{{{0, 0}}}},
		{"over the budget", [][]int{{20}}, 10, [][]at{{{0, 0}}}},
		{"long ones first", [][]int{{2, 5, 20, 5, 3}}, 10, [][]at{{{0, 2}}, {{0, 1}, {0, 3}}, {{0, 4}, {0, 0}}}},
		{"equal ones in order", [][]int{{4, 4, 4, 4}}, 8, [][]at{{{0, 0}, {0, 1}}, {{0, 2}, {0, 3}}}},
		{"at least one", [][]int{{1, 1, 1}}, 1, [][]at{{{0, 0}}, {{0, 1}}, {{0, 2}}}},
		{"callers share a batch", [][]int{{3}, {2, 2}, {1}}, 10, [][]at{{{0, 0}, {1, 0}, {1, 1}, {2, 0}}}},
		{"callers take turns", [][]int{{4, 4, 4}, {4, 4}, {4}}, 4, [][]at{{{0, 0}}, {{1, 0}}, {{2, 0}}, {{0, 1}}, {{1, 1}}, {{0, 2}}}},
		{"who got nothing keeps its turn", [][]int{{8}, {4, 4}, {1}}, 10, [][]at{{{0, 0}}, {{1, 0}, {1, 1}, {2, 0}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var q queue
			number := map[*request]int{}
			for i, lengths := range test.requests {
				r := waiting(lengths...)
				number[r] = i
				if !q.add(r, 100, 100) {
					t.Fatal("refused")
				}
			}
			var got [][]at
			for {
				c, ok := q.next()
				if !ok {
					break
				}
				var batch []at
				for _, p := range q.take(nil, c, test.budget) {
					batch = append(batch, at{number[p.request], p.text})
				}
				got = append(got, batch)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if texts, tokens := q.size(); texts != 0 || tokens != 0 || len(q.lines[interactive].requests) > 0 {
				t.Errorf("%d texts, %d tokens left", texts, tokens)
			}
		})
	}
}

func TestInteractiveGoesFirst(t *testing.T) {
	var q queue
	long := waiting(200, 200, 200)
	q.add(long, 100, 1<<20)
	var order []class
	for range 2*patience + 3 { // questions come in all the time
		q.add(waiting(10), 100, 1<<20)
		c, _ := q.next()
		order = append(order, c)
		q.take(nil, c, 200)
	}
	var want []class
	for len(want) < len(order) {
		want = append(want, interactive, interactive, interactive, interactive, bulk)
	}
	if diff := cmp.Diff(want[:len(order)], order); diff != "" {
		t.Error(diff)
	}
}

func TestLimits(t *testing.T) {
	var q queue
	for _, step := range []struct {
		lengths []int
		want    bool
	}{
		{[]int{5, 5, 5, 5}, true}, // over both limits, but nothing waits
		{[]int{1}, false},
		{[]int{300}, true}, // bulk has a line of its own
		{[]int{300}, false},
	} {
		if got := q.add(waiting(step.lengths...), 3, 15); got != step.want {
			t.Errorf("%v: %v", step.lengths, got)
		}
	}
	q.take(nil, interactive, 10)
	if q.add(waiting(6), 3, 15) || !q.add(waiting(5), 3, 15) || q.add(waiting(1), 3, 15) {
		t.Error("what was taken does not count, what waits does")
	}
}

func TestRemove(t *testing.T) {
	var q queue
	stays, goes := waiting(5), waiting(5, 4, 3)
	q.add(goes, 100, 100)
	q.add(stays, 100, 100)
	q.take(nil, interactive, 5)
	q.remove(goes)
	q.remove(goes)
	batch := q.take(nil, interactive, 100)
	if texts, tokens := q.size(); texts != 0 || tokens != 0 || len(batch) != 1 || batch[0].request != stays {
		t.Errorf("%d texts, %d tokens wait; the batch has %d", texts, tokens, len(batch))
	}
}
