package search

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"slices"

	"searchd/models"
	"searchd/models/db"
)

// cursor is where a walk through the hits goes on. It is given to the client as a text and comes back from it, perhaps
// damaged. A walk that has just begun is all in there; later the server keeps the hits that are left.
type cursor struct {
	question [8]byte // what was asked, so that it goes on with that only

	newest uint64   // the last document there was
	loose  bool     // no document had the phrases that were asked for, and they were not insisted on
	total  int      // what the first page said
	seen   []uint64 // what was shown, in order of ids: documents, or chunks

	key [16]byte // of the hits that are kept; zero where the walk has just begun
	at  int      // how many of them were shown
}

func (c cursor) kept() bool { return c.key != [16]byte{} }

// maxCursorBytes is more than any cursor has.
const maxCursorBytes = 64 << 10

const (
	cursorBegun byte = 1
	cursorKept  byte = 2
	cursorLoose byte = 3 // begun, and loose
)

// String is a kind, the question, numbers, and a checksum.
func (c cursor) String() string {
	b := append([]byte{cursorBegun}, c.question[:]...)
	if c.loose {
		b[0] = cursorLoose
	}
	if c.kept() {
		b[0] = cursorKept
		b = binary.AppendUvarint(append(b, c.key[:]...), uint64(c.at))
	} else {
		b = binary.AppendUvarint(b, c.newest)
		b = binary.AppendUvarint(b, uint64(c.total))
		last := uint64(0)
		for _, id := range c.seen {
			b = binary.AppendUvarint(b, id-last)
			last = id
		}
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(text string) (cursor, error) {
	var c cursor
	damaged := models.Errorf(models.Invalid, "cursor", "is not one that this server gave; leave it out to search from the first page")
	if len(text) > maxCursorBytes {
		return c, damaged
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 1+len(c.question)+4 {
		return c, damaged
	}
	body, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return c, damaged
	}
	r := bytes.NewReader(body[1:])
	_, _ = r.Read(c.question[:]) // it is there
	switch body[0] {
	case cursorBegun, cursorLoose:
		c.loose = body[0] == cursorLoose
		err = c.readBegun(r)
	case cursorKept:
		err = c.readKept(r)
	default:
		err = damaged
	}
	if err != nil || r.Len() > 0 || c.total < 0 || c.at < 0 {
		return c, damaged
	}
	return c, nil
}

func (c *cursor) readBegun(r *bytes.Reader) error {
	var total uint64
	var err error
	if c.newest, err = binary.ReadUvarint(r); err != nil {
		return err
	}
	if total, err = binary.ReadUvarint(r); err != nil {
		return err
	}
	c.total = int(total)
	last := uint64(0)
	for r.Len() > 0 {
		step, err := binary.ReadUvarint(r)
		if err != nil {
			return err
		}
		last += step
		c.seen = append(c.seen, last)
	}
	return nil
}

func (c *cursor) readKept(r *bytes.Reader) error {
	if _, err := r.Read(c.key[:]); err != nil {
		return err
	}
	at, err := binary.ReadUvarint(r)
	c.at = int(at)
	return err
}

// questionOf stands for everything that decides which hits there are, and in what order.
func questionOf(c models.Collection, r Request) [8]byte {
	r.Limit, r.Offset, r.Cursor = 0, 0, ""
	r.Facets, r.Neighbours, r.Highlight = nil, 0, false
	text, err := json.Marshal(struct {
		Collection uint64
		Vector     []byte // in place of the request's: its numbers take longer to write than all the rest
		Request
	}{c.ID, db.EncodeVector(r.Vector), r})
	if err != nil { // a request that was checked has nothing that JSON cannot say
		panic(err)
	}
	sum := sha256.Sum256(text)
	return [8]byte(sum[:8])
}

// name is what a row counts as: its document, or its chunk.
func name(id uint64, by Group) uint64 {
	if by == ByDocument {
		return models.DocumentSeq(id)
	}
	return id
}

// namesOf are the names of rows and of what was folded into them, in order.
func namesOf(rows []row, by Group) []uint64 {
	var names []uint64
	for _, r := range rows {
		names = append(names, name(r.ID, by))
		for _, d := range r.duplicates {
			names = append(names, name(d, by))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
