package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// machine runs a program: see Python's pickletools.py for what each opcode does.
type machine struct {
	code     []byte // what is left of it
	stack    []any
	marks    []int // where on the stack the marks lie
	memo     map[uint32]any
	storages func(key string) ([]byte, error)
}

var (
	errShort = errors.New("the program is cut short")
	errEmpty = errors.New("the program takes more from its stack than is there")
)

// run answers what the program leaves on its stack.
func (m *machine) run() (any, error) {
	m.memo = map[uint32]any{}
	for {
		op, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' {
			return m.pop()
		}
		if err := m.step(op[0]); err != nil {
			return nil, err
		}
	}
}

// step does one opcode.
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		return m.proto()
	case 0x95: // FRAME
		_, err := m.take(8)
		return err
	case '(':
		m.marks = append(m.marks, len(m.stack))
		m.push(mark{})
		return nil
	case '0':
		_, err := m.pop()
		return err
	case 'c', 0x93:
		return m.global(op)
	case 'Q':
		return m.persistent()
	case 'R':
		return m.reduce()
	case 'b': // BUILD: attributes, of which none is wanted
		_, err := m.pop()
		return err
	case 'q', 'r', 'h', 'j', 0x94:
		return m.remember(op)
	case ')', '}', ']', '\x85', '\x86', '\x87', 't':
		return m.collect(op)
	case 'a', 'e', 's', 'u':
		return m.fill(op)
	default:
		return m.literal(op)
	}
}

func (m *machine) proto() error {
	version, err := m.take(1)
	if err == nil && version[0] > 5 {
		return fmt.Errorf("the program is of protocol %d, which is not known", version[0])
	}
	return err
}

// literal pushes a plain value.
func (m *machine) literal(op byte) error {
	switch op {
	case 'N':
		m.push(nil)
	case 0x88, 0x89:
		m.push(op == 0x88)
	case 'K', 'M', 'J', 0x8a:
		return m.integer(op)
	case 'G':
		b, err := m.take(8)
		if err != nil {
			return err
		}
		m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 'X', 0x8c, 'U', 'T':
		return m.text(op)
	default:
		return fmt.Errorf("opcode %#02x is not one that weights are saved with", op)
	}
	return nil
}

func (m *machine) integer(op byte) error {
	width := map[byte]int{'K': 1, 'M': 2, 'J': 4}[op]
	if op == 0x8a { // LONG1
		n, err := m.take(1)
		if err != nil {
			return err
		}
		if width = int(n[0]); width > 8 {
			return fmt.Errorf("an integer of %d bytes is longer than any size", width)
		}
	}
	b, err := m.take(width)
	if err != nil {
		return err
	}
	var wide [8]byte
	copy(wide[:], b)
	n := int64(binary.LittleEndian.Uint64(wide[:]))
	if op == 'J' || op == 0x8a { // signed
		shift := 64 - 8*uint(width)
		n = n << shift >> shift
	}
	m.push(n)
	return nil
}

func (m *machine) text(op byte) error {
	width := 4
	if op == 0x8c || op == 'U' {
		width = 1
	}
	b, err := m.take(width)
	if err != nil {
		return err
	}
	var wide [4]byte
	copy(wide[:], b)
	s, err := m.take(int(binary.LittleEndian.Uint32(wide[:])))
	if err != nil {
		return err
	}
	m.push(strings.ToValidUTF8(string(s), "\uFFFD"))
	return nil
}

// take answers the next n bytes of the program.
func (m *machine) take(n int) ([]byte, error) {
	if n > len(m.code) {
		return nil, errShort
	}
	b := m.code[:n]
	m.code = m.code[n:]
	return b, nil
}

// line answers the next line.
func (m *machine) line() (string, error) {
	text, _, ok := strings.Cut(string(m.code[:min(len(m.code), maxName)]), "\n")
	if !ok {
		return "", errShort
	}
	m.code = m.code[len(text)+1:]
	return text, nil
}

const maxName = 256

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

// pop takes the topmost value, which may not be a mark.
func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 || m.stack[len(m.stack)-1] == (mark{}) {
		return nil, errEmpty
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// popMany takes the topmost n values, in the order they were pushed.
func (m *machine) popMany(n int) ([]any, error) {
	values := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		var err error
		if values[i], err = m.pop(); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// popMark takes all values above the last mark, and the mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errEmpty
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	values := append([]any(nil), m.stack[at+1:]...)
	m.stack = m.stack[:at]
	return values, nil
}

// remember does the opcodes of the memo: it keeps the topmost value, or pushes one that was kept.
func (m *machine) remember(op byte) error {
	key := uint32(len(m.memo))
	if op != 0x94 { // MEMOIZE counts by itself
		width := 1
		if op == 'r' || op == 'j' {
			width = 4
		}
		b, err := m.take(width)
		if err != nil {
			return err
		}
		var wide [4]byte
		copy(wide[:], b)
		key = binary.LittleEndian.Uint32(wide[:])
	}
	if op == 'h' || op == 'j' {
		v, ok := m.memo[key]
		if !ok {
			return fmt.Errorf("the program recalls %d, which it has not kept", key)
		}
		m.push(v)
		return nil
	}
	v, err := m.pop()
	if err != nil {
		return err
	}
	m.push(v)
	m.memo[key] = v
	return nil
}

// collect makes a tuple, a list or a dictionary.
func (m *machine) collect(op byte) error {
	var values []any
	var err error
	switch op {
	case '}':
		m.push(&dict{})
		return nil
	case ']':
		m.push(&list{})
		return nil
	case 't':
		values, err = m.popMark()
	case '\x85', '\x86', '\x87':
		values, err = m.popMany(int(op - 0x84))
	}
	if err != nil {
		return err
	}
	m.push(tuple(values))
	return nil
}

// fill puts values into the list or dictionary below them.
func (m *machine) fill(op byte) error {
	var values []any
	var err error
	switch op {
	case 'a':
		values, err = m.popMany(1)
	case 's':
		values, err = m.popMany(2)
	default:
		values, err = m.popMark()
	}
	if err != nil {
		return err
	}
	target, err := m.pop()
	if err != nil {
		return err
	}
	m.push(target)
	switch into := target.(type) {
	case *list:
		if op == 'a' || op == 'e' {
			into.items = append(into.items, values...)
			return nil
		}
	case *dict:
		if (op == 's' || op == 'u') && len(values)%2 == 0 {
			for i := 0; i < len(values); i += 2 {
				into.set(values[i], values[i+1])
			}
			return nil
		}
	}
	return fmt.Errorf("the program fills a %T with opcode %q", target, op)
}
