package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"searchd/api"
	"searchd/api/wire"
	"searchd/models/db"
)

// A vector is read as the decoder reads it, number by number, and what is wrong with it is said in the same words.
func FuzzVector(f *testing.F) {
	for _, list := range []string{
		``, ` `, `1`, `1,2`, ` -0.5 ,	1e-3`, `0.1,,2`, `,`, `1,`, `1e39`, `-1e39`, `1e-60`, `"1"`, `true`, `[1]`, `{}`, `1,"x"`, `01`, `+1`, `.5`, `0x10`, `1_0`, `NaN`, `Infinity`, `inf`,
		`3.4028235e38`, `3.4028236e38`, `1.17549435e-38`, `0.1000000000000000055511151231257827`, `16777217`, `[`, `]`, `1]`, `1 2`, `1/**/`, "1\x00",
	} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		body := []byte(`{"limit":1,"vector":[` + list + `]}`)
		var quick, slow wire.SearchRequest
		quickErr, slowErr := api.Unmarshal(body, &quick), api.UnmarshalSlowly(body, &slow)
		if (quickErr == nil) != (slowErr == nil) {
			t.Fatalf("%s: %v; the decoder says %v", body, quickErr, slowErr)
		}
		if slowErr == nil && !bytes.Equal(db.EncodeVector(quick.Vector), db.EncodeVector(slow.Vector)) {
			t.Fatalf("%s: %v; the decoder reads %v", body, quick.Vector, slow.Vector)
		}
		if json.Valid(body) && fmt.Sprint(quickErr) != fmt.Sprint(slowErr) {
			t.Fatalf("%s: %v; the decoder says %v", body, quickErr, slowErr)
		}
	})
}

// Numbers as clients write them: float32 and float64, long and short, and next to the middle of two float32.
func TestVectorsAreReadToTheLastBit(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	var numbers []string
	for range 100_000 {
		x := math.Float32frombits(uint32(r.Uint64()))
		if r.IntN(2) == 0 {
			x = float32(r.NormFloat64()) / 20
		}
		if x != x || math.IsInf(float64(x), 0) {
			continue
		}
		near := math.Nextafter32(x, 2)
		middle := (float64(x) + float64(near)) / 2
		numbers = append(numbers, strconv.FormatFloat(float64(x), 'g', -1, 32), strconv.FormatFloat(float64(x), 'f', -1, 32),
			strconv.FormatFloat(float64(x), 'f', -1, 64), strconv.FormatFloat(float64(x), 'f', r.IntN(25), 64), strconv.FormatFloat(middle, 'f', -1, 64),
			strconv.FormatFloat(math.Nextafter(middle, 2), 'f', -1, 64), strconv.FormatFloat(math.Nextafter(middle, -2), 'f', -1, 64))
		if x > 0.1 && x < 1 { // 18 decimals, which are more than a float64 has
			numbers = append(numbers, fmt.Sprintf("0.%018d", uint64(middle*1e18)+uint64(r.IntN(3))))
		}
	}
	body := []byte(`{"vector":[` + strings.Join(numbers, ",") + `]}`)
	var got wire.SearchRequest
	if err := api.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for i, number := range numbers {
		want, err := strconv.ParseFloat(number, 32)
		if err != nil {
			t.Fatal(err)
		}
		if x := got.Vector[i]; math.Float32bits(x) != math.Float32bits(float32(want)) {
			t.Errorf("seed %d: %s is read as %v, want %v", seed, number, x, float32(want))
		}
	}
}

func BenchmarkVectorBody(b *testing.B) {
	vector := make([]float32, 384)
	for i := range vector {
		vector[i] = float32(rand.NormFloat64()) / 20
	}
	body, err := json.Marshal(map[string]any{"vector": vector, "limit": 10, "mode": "semantic"})
	if err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func([]byte, any) error{"as it is": api.Unmarshal, "by the decoder": api.UnmarshalSlowly} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				var r wire.SearchRequest
				if err := read(body, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
