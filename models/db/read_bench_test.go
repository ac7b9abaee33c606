package db_test

import (
	"fmt"
	"testing"

	"searchd/models"
)

// What every search reads of the store.
func BenchmarkReads(b *testing.B) {
	d := open(b, b.TempDir())
	c := collection(b, d, "c")
	var docs []doc
	for i := range 20_000 {
		docs = append(docs, doc{id: fmt.Sprint("d", i), text: fmt.Sprintf("passage %d of a text that is as long as some of them are, which is not very long", i)})
	}
	put(b, d, c, docs...)
	next := uint64(0)
	ten := func() (ids []uint64) {
		for range 10 {
			next = (next + 7919) % 20_000
			ids = append(ids, models.ChunkID(1+next, 0))
		}
		return ids
	}
	b.Run("collection", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.Collection(b.Context(), "c"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ten passages", func(b *testing.B) {
		for b.Loop() {
			if found, err := d.Passages(b.Context(), ten()); err != nil || len(found) != 10 {
				b.Fatal(len(found), err)
			}
		}
	})
	b.Run("ten passages, not remembered", func(b *testing.B) {
		for b.Loop() {
			d.Forget()
			if found, err := d.Passages(b.Context(), ten()); err != nil || len(found) != 10 {
				b.Fatal(len(found), err)
			}
		}
	})
}
