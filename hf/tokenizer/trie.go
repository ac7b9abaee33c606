package tokenizer

import (
	"cmp"
	"slices"
	"strings"
)

// trie is a set of strings, each with an id, to be walked byte by byte. The children of a node lie together, in order.
type trie struct {
	labels []byte  // of each node: the byte that leads to it
	first  []int32 // of each node, its first child; of the one after the last, the end
	ids    []int32 // of each node: the id of the string that ends there, or noToken
	root   [256]int32
}

type trieEntry struct {
	key string
	id  int32
}

// newTrie makes a trie of entries, which it puts in order. Of equal keys the last entry counts. It costs time in
// proportion to the bytes of all keys, apart from putting them in order.
func newTrie(entries []trieEntry) *trie {
	slices.SortStableFunc(entries, func(a, b trieEntry) int { return strings.Compare(a.key, b.key) })
	t := new(trie)
	t.addNode(0)
	// Level by level: each node is a run of entries that have its bytes in common.
	level := []span{{0, len(entries)}}
	for depth := 0; len(level) > 0; depth++ {
		level = t.addLevel(entries, level, depth)
	}
	t.first = append(t.first, int32(len(t.labels)))
	for i := t.first[0]; i < t.first[1]; i++ {
		t.root[t.labels[i]] = i
	}
	return t
}

func (t *trie) addNode(label byte) {
	t.labels, t.ids = append(t.labels, label), append(t.ids, noToken)
}

// addLevel adds the children of the nodes of one level, which are the last nodes there are.
func (t *trie) addLevel(entries []trieEntry, level []span, depth int) (next []span) {
	node := len(t.labels) - len(level)
	for _, run := range level {
		t.first = append(t.first, int32(len(t.labels)))
		i := run.start
		for i < run.end && len(entries[i].key) == depth {
			t.ids[node] = entries[i].id
			i++
		}
		for i < run.end {
			start, label := i, entries[i].key[depth]
			for i < run.end && entries[i].key[depth] == label {
				i++
			}
			t.addNode(label)
			next = append(next, span{start, i})
		}
		node++
	}
	return next
}

// child is the node below node that label leads to; 0, the root, for none.
func (t *trie) child(node int32, label byte) int32 {
	if node == 0 {
		return t.root[label]
	}
	low, high := t.first[node], t.first[node+1]
	i, ok := slices.BinarySearchFunc(t.labels[low:high], label, cmp.Compare[byte])
	if !ok {
		return 0
	}
	return low + int32(i)
}

// find is the id of key, or noToken.
func (t *trie) find(key []byte) int32 {
	node := int32(0)
	for _, c := range key {
		if node = t.child(node, c); node == 0 {
			return noToken
		}
	}
	return t.ids[node]
}
