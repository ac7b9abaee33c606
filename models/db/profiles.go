package db

import (
	"context"
	"encoding/binary"

	"searchd/models"
)

// Profile is what was measured of a collection; nil where nothing was.
func (d *DB) Profile(ctx context.Context, collection uint64) (*models.Profile, error) {
	var found []models.Profile
	if err := d.read.WithContext(ctx).Where("collection_id = ?", collection).Find(&found).Error; err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// KeepProfile puts a profile in place of the one before, if the collection is still there.
func (d *DB) KeepProfile(ctx context.Context, p models.Profile) error {
	return d.write.WithContext(ctx).Exec("INSERT OR REPLACE INTO profiles (collection_id, chunks, rho, sample) SELECT id, ?, ?, ? FROM collections WHERE id = ?",
		p.Chunks, p.Rho, p.Sample, p.CollectionID).Error
}

// EncodeIDs and DecodeIDs turn ids of chunks into bytes and back; what is too short for one at the end is left out.
func EncodeIDs(ids []uint64) []byte {
	b := make([]byte, 0, 8*len(ids))
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	return b
}

// DecodeIDs is the other way round.
func DecodeIDs(b []byte) []uint64 {
	ids := make([]uint64, len(b)/8)
	for i := range ids {
		ids[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return ids
}
