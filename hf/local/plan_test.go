package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlan(t *testing.T) {
	tests := []struct {
		lengths []int
		budget  int
		want    [][]int
	}{
		{nil, 10, nil},
		{[]int{3}, 10, [][]int{{0}}},
		{[]int{20}, 10, [][]int{{0}}},
		{[]int{2, 5, 20, 5, 3}, 10, [][]int{{2}, {1, 3}, {4, 0}}},
		{[]int{4, 4, 4, 4}, 8, [][]int{{0, 1}, {2, 3}}},
		{[]int{1, 1, 1}, 1, [][]int{{0}, {1}, {2}}},
	}
	for _, test := range tests {
		texts := make([]text, len(test.lengths))
		for i, n := range test.lengths {
			texts[i].ids = make([]int32, n)
		}
		if diff := cmp.Diff(test.want, plan(texts, test.budget)); diff != "" {
			t.Errorf("%v: %s", test.lengths, diff)
		}
	}
}
