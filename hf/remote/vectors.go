package remote

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"searchd/hf"
)

const maxDimensions = 1 << 16

func readEmbeddings(c hf.Call) func(answer) (hf.Reply, error) {
	return func(a answer) (hf.Reply, error) {
		vectors, err := parseVectors(a.body, len(c.Inputs))
		return hf.Reply{Vectors: vectors, Usage: computeTokens(a)}, err
	}
}

// computeTokens is what TEI says of the cost, in a header.
func computeTokens(a answer) hf.Usage {
	n, _ := strconv.Atoi(a.header.Get("X-Compute-Tokens"))
	return hf.Usage{PromptTokens: max(n, 0)}
}

// parseVectors reads the embeddings of a list of n texts. How deep the numbers lie says what they are: three deep,
// vectors of tokens, of which a text's mean is taken; two deep, vectors of texts; one deep, the vector of the only text.
// Some containers put the list into an object.
func parseVectors(body []byte, n int) ([][]float32, error) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '{' {
		var object struct{ Embeddings json.RawMessage }
		if err := json.Unmarshal(body, &object); err != nil {
			return nil, err
		}
		if object.Embeddings == nil {
			return nil, errors.New("an object without embeddings")
		}
		body = object.Embeddings
	}
	s := &scanner{text: body}
	vectors, err := s.vectors(n)
	if err == nil && s.peek() != 0 {
		err = s.unexpected()
	}
	if err == nil {
		err = checkVectors(vectors, n)
	}
	if err != nil {
		return nil, err
	}
	return vectors, nil
}

func checkVectors(vectors [][]float32, n int) error {
	if len(vectors) != n {
		return fmt.Errorf("%d embeddings of %d texts", len(vectors), n)
	}
	for _, v := range vectors {
		if len(v) == 0 || len(v) != len(vectors[0]) {
			return fmt.Errorf("embeddings of %d and %d dimensions", len(vectors[0]), len(v))
		}
	}
	return nil
}

// scanner reads nested lists of numbers. It takes memory for the result alone: a list of ten tokens' vectors is never whole.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) vectors(n int) ([][]float32, error) {
	switch depth := s.depth(); depth {
	case 0:
		return nil, s.unexpected()
	case 1:
		v, err := s.row(nil)
		return [][]float32{v}, err
	case 2, 3:
		read := s.newRow
		if depth == 3 {
			read = s.mean
		}
		var all [][]float32
		err := s.list(func() error {
			if len(all) == n {
				return fmt.Errorf("more embeddings than the %d texts", n)
			}
			v, err := read()
			all = append(all, v)
			return err
		})
		return all, err
	}
	return nil, errors.New("numbers more than three lists deep")
}

// depth counts the brackets before the first number.
func (s *scanner) depth() int {
	ahead := scanner{s.text, s.at}
	depth := 0
	for ahead.peek() == '[' {
		ahead.at++
		depth++
	}
	return depth
}

// peek is the next byte that is not space, and 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) unexpected() error {
	if s.peek() == 0 && s.at >= len(s.text) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%q at byte %d, where a list of numbers was expected", s.text[s.at], s.at)
}

func (s *scanner) list(element func() error) error {
	if s.peek() != '[' {
		return s.unexpected()
	}
	s.at++
	if s.peek() == ']' {
		s.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.at++
		case ']':
			s.at++
			return nil
		default:
			return s.unexpected()
		}
	}
}

func (s *scanner) newRow() ([]float32, error) { return s.row(nil) }

// row appends a list of numbers to v.
func (s *scanner) row(v []float32) ([]float32, error) {
	err := s.list(func() error {
		if len(v) == maxDimensions {
			return fmt.Errorf("an embedding of more than %d dimensions", maxDimensions)
		}
		f, err := s.number()
		v = append(v, f)
		return err
	})
	return v, err
}

// mean reads the vectors of a text's tokens and answers their mean.
func (s *scanner) mean() ([]float32, error) {
	var sum []float64
	var row []float32
	tokens := 0
	err := s.list(func() (err error) {
		if row, err = s.row(row[:0]); err != nil {
			return err
		}
		if tokens == 0 {
			sum = make([]float64, len(row))
		}
		if len(row) != len(sum) {
			return fmt.Errorf("tokens of %d and %d dimensions", len(sum), len(row))
		}
		for i, f := range row {
			sum[i] += float64(f)
		}
		tokens++
		return nil
	})
	pooled := make([]float32, len(sum))
	for i, f := range sum {
		pooled[i] = float32(f / float64(tokens))
	}
	return pooled, err
}

func (s *scanner) number() (float32, error) {
	s.peek()
	start := s.at
	for s.at < len(s.text) && isNumber(s.text[s.at]) {
		s.at++
	}
	if start == s.at {
		return 0, s.unexpected()
	}
	if s.at == len(s.text) {
		return 0, io.ErrUnexpectedEOF
	}
	f, err := strconv.ParseFloat(string(s.text[start:s.at]), 32)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a number that an embedding may have", s.text[start:s.at])
	}
	return float32(f), nil
}

func isNumber(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// openAIEmbed asks for base64, as the OpenAI clients do: it is half as long and exact. A server that answers numbers
// all the same is understood.
type openAIEmbed struct {
	Model  string   `json:"model"`
	Input  []string `json:"input"`
	Format string   `json:"encoding_format"`
}

type openAIVectors struct {
	Model string
	Data  []struct {
		Index     *int
		Embedding json.RawMessage
	}
	Usage *wireUsage
}

func readOpenAIEmbeddings(n int) func(answer) (hf.Reply, error) {
	return func(a answer) (hf.Reply, error) {
		var wire openAIVectors
		if err := json.Unmarshal(a.body, &wire); err != nil {
			return hf.Reply{}, err
		}
		vectors, err := wire.vectors(n)
		return hf.Reply{Model: wire.Model, Vectors: vectors, Usage: wire.Usage.usage()}, err
	}
}

// vectors puts them in order: the items have an index, and need not come by it.
func (w openAIVectors) vectors(n int) ([][]float32, error) {
	if len(w.Data) != n {
		return nil, fmt.Errorf("%d embeddings of %d texts", len(w.Data), n)
	}
	all := make([][]float32, n)
	for i, item := range w.Data {
		if item.Index != nil {
			i = *item.Index
		}
		if i < 0 || i >= n || all[i] != nil {
			return nil, fmt.Errorf("an embedding of index %d, out of range or twice", i)
		}
		v, err := parseVector(item.Embedding)
		if err != nil {
			return nil, fmt.Errorf("embedding %d: %w", i, err)
		}
		all[i] = v
	}
	return all, checkVectors(all, n)
}

// parseVector reads a list of numbers, or a string: base64 of little-endian float32.
func parseVector(text []byte) ([]float32, error) {
	if len(text) == 0 || text[0] != '"' {
		s := &scanner{text: text}
		v, err := s.row(nil)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it is missing") // inside an answer that is whole
		}
		return v, err
	}
	var encoded string
	if err := json.Unmarshal(text, &encoded); err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw)%4 != 0 || len(raw) > 4*maxDimensions {
		return nil, errors.New("it is not base64 of float32 values")
	}
	v := make([]float32, len(raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		if f := float64(v[i]); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, errors.New("it has a value that is not a number")
		}
	}
	return v, nil
}
