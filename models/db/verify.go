package db

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"searchd/models"
)

// Cure is what makes a damaged document whole again. A later one includes those before it.
type Cure int

// Cures of a document.
const (
	MendCure       Cure = iota // what can be derived from the document's own row is written again, in its place
	RemakeCure                 // its chunks are made again from its text, as those of a new content
	QuarantineCure             // it is taken out: what is lost stands nowhere else
)

// Damaged is a document with its faults.
type Damaged struct {
	Seq        uint64
	Collection uint64
	Faults     []models.Fault
	Cure       Cure
}

// Records says which of the documents are verified: those of some collections, or all where there is none.
type Records struct{ Collections []uint64 }

// Verified is what verifying some documents has shown.
type Verified struct {
	Last      uint64 // Seq of the last one: where to go on; 0 after the last of all
	Documents int
	Damaged   []Damaged
	Unsummed  []Unsummed
}

// Unsummed is a whole record that was made without a checksum, by an earlier schema.
type Unsummed struct {
	chunk bool
	key   uint64
	sum   uint32
}

// How many documents are verified in one go, each time in one state of the store.
const (
	verifyDocuments = 256
	verifyBytes     = 4 << 20
)

// AllGenerations lists the collections of a name with those that stand beside them, or all where name is empty.
func (d *DB) AllGenerations(ctx context.Context, name string) ([]models.Collection, error) {
	var list []models.Collection
	g := d.read.WithContext(ctx).Order("name, generation")
	if name != "" {
		g = g.Where("name = ?", name)
	}
	return list, g.Find(&list).Error
}

// Integrity runs SQLite's full check of the file and answers its complaints. It reads everything, and holds up nobody.
func (d *DB) Integrity(ctx context.Context) ([]string, error) {
	var lines []string
	err := d.read.WithContext(ctx).Raw("PRAGMA integrity_check").Scan(&lines).Error
	if err == nil && len(lines) == 1 && lines[0] == "ok" {
		lines = nil
	}
	return lines, err
}

// OnlyIndexes says whether complaints of SQLite are about its own indexes alone, which RebuildIndexes makes again from the rows.
func OnlyIndexes(complaints []string) bool {
	for _, c := range complaints {
		if !strings.Contains(c, "missing from index") && !strings.Contains(c, "wrong # of entries in index") {
			return false
		}
	}
	return true
}

// RebuildIndexes makes SQLite's own indexes again from the rows.
func (d *DB) RebuildIndexes(ctx context.Context) error {
	return d.write.WithContext(ctx).Exec("REINDEX").Error
}

// VerifyDocuments verifies the documents after one, as many as make a batch, with all rows that belong to them. All rows of a
// batch are read in one state of the store, so that documents that come and go are no faults. Memory does not grow with
// the store.
func (d *DB) VerifyDocuments(ctx context.Context, of Records, after uint64) (Verified, error) {
	var v Verified
	seqs, err := d.verifiable(ctx, of, after)
	if err != nil || len(seqs) == 0 {
		return v, err
	}
	v, err = d.verify(ctx, seqs)
	if err != nil && ctx.Err() == nil {
		v, err = d.verifyOneByOne(ctx, seqs), nil
	}
	v.Last = seqs[len(seqs)-1]
	return v, err
}

// VerifyDocument verifies one document. There is none where it is gone.
func (d *DB) VerifyDocument(ctx context.Context, seq uint64) (Verified, error) {
	return d.verify(ctx, []uint64{seq})
}

// verifiable are the next documents, as many as have texts of verifyBytes.
func (d *DB) verifiable(ctx context.Context, of Records, after uint64) ([]uint64, error) {
	g := d.read.WithContext(ctx).Model(&models.Document{}).Select("seq", "octet_length(text)").Where("seq > ?", after).Order("seq").Limit(verifyDocuments)
	if len(of.Collections) > 0 {
		g = g.Where("+collection_id IN ?", of.Collections) // the plus keeps SQLite from sorting the whole collection for each batch
	}
	var seqs []uint64
	var seq uint64
	var bytes, size int
	err := eachRow(g, func() error {
		if bytes += size; len(seqs) == 0 || bytes <= verifyBytes {
			seqs = append(seqs, seq)
		}
		return nil
	}, &seq, &size)
	return seqs, err
}

// verifyOneByOne finds out which documents of a batch cannot be read.
func (d *DB) verifyOneByOne(ctx context.Context, seqs []uint64) Verified {
	var all Verified
	for _, seq := range seqs {
		v, err := d.verify(ctx, []uint64{seq})
		if err != nil {
			v = Verified{Documents: 1, Damaged: []Damaged{{
				Seq: seq, Cure: QuarantineCure, Faults: []models.Fault{{Kind: models.FaultUnreadable, Message: fmt.Sprintf("document number %d cannot be read: %v", seq, err)}},
			}}}
		}
		all.Documents += v.Documents
		all.Damaged, all.Unsummed = append(all.Damaged, v.Damaged...), append(all.Unsummed, v.Unsummed...)
	}
	return all
}

func (d *DB) verify(ctx context.Context, seqs []uint64) (v Verified, err error) {
	err = d.read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		v, err = verifyIn(tx, seqs)
		return err
	}, &sql.TxOptions{ReadOnly: true})
	return v, err
}

func verifyIn(tx *gorm.DB, seqs []uint64) (Verified, error) {
	found := map[uint64]*inspection{}
	for _, read := range []func(*gorm.DB, []uint64, map[uint64]*inspection) error{inspectDocuments, inspectChunks, inspectFields} {
		if err := read(tx, seqs, found); err != nil {
			return Verified{}, err
		}
	}
	var v Verified
	for _, seq := range slices.Sorted(maps.Keys(found)) {
		in := found[seq]
		in.finish()
		v.Documents++
		if len(in.faults) > 0 {
			v.Damaged = append(v.Damaged, Damaged{Seq: seq, Collection: in.doc.CollectionID, Faults: in.faults, Cure: in.cure})
		}
		if in.cure == MendCure {
			v.Unsummed = append(v.Unsummed, in.unsummed...)
		}
	}
	return v, nil
}

// inspection is what is found out about one document.
type inspection struct {
	doc        models.Document
	collection models.Collection
	metadata   models.Metadata
	unparsed   error // why the metadata cannot be read
	stored     []models.Field
	rows       int  // of chunks
	hashed     bool // a chunk's vector was made from the text
	lost       int  // vectors that are damaged
	faults     []models.Fault
	cure       Cure
	unsummed   []Unsummed
}

func (in *inspection) fault(cure Cure, kind models.FaultKind, format string, args ...any) {
	in.cure = max(in.cure, cure)
	in.faults = append(in.faults, models.Fault{
		Kind: kind, Collection: in.collection.Name, Generation: in.collection.Generation, Document: in.doc.ID, Message: fmt.Sprintf(format, args...),
	})
}

// given says that the document came with its vector, which no model can make again.
func (in *inspection) given() bool { return in.doc.Tokens == 0 && !in.hashed }

func inspectDocuments(tx *gorm.DB, seqs []uint64, found map[uint64]*inspection) error {
	var docs []models.Document
	if err := tx.Where("seq IN ?", seqs).Find(&docs).Error; err != nil {
		return err
	}
	var collections []models.Collection
	if err := tx.Find(&collections).Error; err != nil {
		return err
	}
	for _, doc := range docs {
		in := &inspection{doc: doc}
		found[doc.Seq] = in
		if i := slices.IndexFunc(collections, func(c models.Collection) bool { return c.ID == doc.CollectionID }); i >= 0 {
			in.collection = collections[i]
		} else {
			in.fault(QuarantineCure, models.FaultOrphan, "belongs to collection number %d, which is not there", doc.CollectionID)
		}
		in.inspectText()
		in.metadata, in.unparsed = models.ParseMetadata([]byte(doc.Metadata))
		if in.unparsed != nil {
			in.fault(MendCure, models.FaultMetadata, "the metadata %v", in.unparsed)
		}
		sections, err := models.DecodeSections(doc.Sections)
		if err == nil {
			err = models.CheckSections(sections, doc.Text)
		}
		if err != nil {
			in.fault(QuarantineCure, models.FaultSections, "the sections cannot be read: %v", err)
		}
	}
	return nil
}

func (in *inspection) inspectText() {
	sum := models.Sum(in.doc.Text)
	switch {
	case in.doc.Sum == 0:
		in.unsummed = append(in.unsummed, Unsummed{key: in.doc.Seq, sum: sum})
	case in.doc.Sum != sum:
		in.fault(QuarantineCure, models.FaultText, "the text does not have its checksum")
		return
	}
	if !utf8.ValidString(in.doc.Text) {
		in.fault(QuarantineCure, models.FaultText, "the text is not valid UTF-8")
	}
}

// inspectChunks reads the chunks one by one: their vectors may take more memory than the texts.
func inspectChunks(tx *gorm.DB, seqs []uint64, found map[uint64]*inspection) error {
	var c models.Chunk
	var hashed bool
	q := tx.Raw(`SELECT id, document_seq, start, "end", vector, sum, hash IS NOT NULL FROM chunks WHERE document_seq IN ? ORDER BY document_seq, id`, seqs)
	return eachRow(q, func() error {
		if in := found[c.DocumentSeq]; in != nil {
			in.hashed = in.hashed || hashed
			in.inspectChunk(c)
			in.rows++
		}
		return nil
	}, &c.ID, &c.DocumentSeq, &c.Start, &c.End, &c.Vector, &c.Sum, &hashed)
}

func (in *inspection) inspectChunk(c models.Chunk) {
	text := in.doc.Text
	switch {
	case c.ID != models.ChunkID(in.doc.Seq, in.rows):
		if in.cure < RemakeCure { // the first of a row of them says it all
			in.fault(RemakeCure, models.FaultChunks, "chunk %d is missing, or has the number of another", in.rows)
		}
	case !within(c.Start, c.End, text):
		in.fault(RemakeCure, models.FaultChunks, "chunk %d is bytes %d to %d of a text of %d", in.rows, c.Start, c.End, len(text))
	}
	in.inspectVector(c)
}

// within says whether a chunk lies within a text.
func within(start, end int, text string) bool { return start >= 0 && start <= end && end <= len(text) }

func (in *inspection) inspectVector(c models.Chunk) {
	problem := vectorProblem(c.Vector, in.collection.Dimensions)
	sum := models.Sum(c.Vector)
	switch {
	case in.collection.ID == 0: // nobody knows how long it should be
	case problem != "":
		in.lost++
		in.fault(RemakeCure, models.FaultVector, "the vector of chunk %d %s", models.ChunkIndex(c.ID), problem)
	case c.Sum == 0:
		in.unsummed = append(in.unsummed, Unsummed{chunk: true, key: c.ID, sum: sum})
	case c.Sum != sum:
		in.lost++
		in.fault(RemakeCure, models.FaultVector, "the vector of chunk %d does not have its checksum", models.ChunkIndex(c.ID))
	}
}

// lengthTolerance is how far the length of a vector may be from 1: much more than rounding, much less than damage that matters.
const lengthTolerance = 1e-3

// vectorProblem says what is wrong with a stored vector; nothing where it is sound.
func vectorProblem(vector []byte, dimensions int) string {
	if len(vector) != 4*dimensions {
		return fmt.Sprintf("has %d bytes; %d values take %d", len(vector), dimensions, 4*dimensions)
	}
	var square float64
	for _, x := range DecodeVector(vector) {
		square += float64(x) * float64(x)
	}
	length := math.Sqrt(square)
	switch {
	case math.IsNaN(length) || math.IsInf(length, 0):
		return "has values that are not numbers"
	case math.Abs(length-1) > lengthTolerance:
		return fmt.Sprintf("has length %.3g; it must be 1", length)
	}
	return ""
}

func inspectFields(tx *gorm.DB, seqs []uint64, found map[uint64]*inspection) error {
	var fields []models.Field
	err := tx.Where("document_seq IN ?", seqs).Order("id").Find(&fields).Error
	for _, f := range fields {
		if in := found[f.DocumentSeq]; in != nil {
			in.stored = append(in.stored, f)
		}
	}
	return err
}

// finish draws the conclusions from all rows.
func (in *inspection) finish() {
	if in.rows != in.doc.Chunks {
		in.fault(RemakeCure, models.FaultChunks, "has %d chunks and should have %d", in.rows, in.doc.Chunks)
	}
	if lost := in.lost > 0 || in.rows == 0; lost && in.cure == RemakeCure && in.given() {
		in.cure = QuarantineCure
	}
	if in.unparsed != nil {
		return
	}
	want := fieldsOf(&in.doc, in.metadata.Fields)
	if !slices.Equal(sortedFields(in.stored), sortedFields(want)) {
		in.fault(MendCure, models.FaultFields, "what filters look up is not what the metadata says")
	}
}

// sortedFields are fields in an order of their values, without their numbers.
func sortedFields(fields []models.Field) []models.Field {
	sorted := slices.Clone(fields)
	for i := range sorted {
		sorted[i].ID = 0
	}
	slices.SortFunc(sorted, compareFields)
	return sorted
}
