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
	for i := range 1000 {
		docs = append(docs, doc{id: fmt.Sprint("d", i), text: fmt.Sprintf("passage %d of a text", i)})
	}
	put(b, d, c, docs...)
	var ids []uint64
	for i := range 10 {
		ids = append(ids, models.ChunkID(uint64(1+97*i), 0))
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
			if found, err := d.Passages(b.Context(), ids); err != nil || len(found) != len(ids) {
				b.Fatal(len(found), err)
			}
		}
	})
}
