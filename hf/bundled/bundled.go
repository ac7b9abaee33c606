package bundled

import (
	"embed"
	"io/fs"
	"unsafe"

	"searchd/hf"
	"searchd/hf/encoder"
	"searchd/hf/local"
	"searchd/internal/simd"
)

// ID is the name of the model.
const ID = "sentence-transformers/all-MiniLM-L6-v2"

// Revision is the hash of model.safetensors, recorded here so that starting does not have to compute it. A test does.
const Revision = "sha256:e36d29d9d4037676b2cc19704e82ca2517bd5c23fd2a2bd189a1e4f13e80ad7e"

// PublishedSHA256 is the hash of the published weights that model.safetensors was made from.
const PublishedSHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

// null is how this model scores unrelated texts. PROVENANCE.md says how it was measured.
var null = hf.Null{Mean: -0.004, StdDev: 0.063}

//go:embed LICENSE PROVENANCE.md config.json modules.json sentence_bert_config.json tokenizer.json model.safetensors 1_Pooling
var files embed.FS

// weights is the same file again. The linker keeps one copy, and a string shows its bytes without copying them, as an
// embed.FS does not.
//
//go:embed model.safetensors
var weights string

// folder is the model folder.
type folder struct{ embed.FS }

// View answers a file's bytes, which must not be changed. Those of the weights stay where they lie in the binary.
func (f folder) View(name string) ([]byte, error) {
	if name == "model.safetensors" {
		return unsafe.Slice(unsafe.StringData(weights), len(weights)), nil
	}
	return f.ReadFile(name)
}

// FS is the folder of the bundled model, as sentence-transformers lays it out. It is a local.Viewer.
func FS() fs.FS { return folder{files} }

// Open loads the bundled model. What o says of its name, origin and scores does not count. Where o leaves the arithmetic to the processor, and
// that is made for int8, it is int8: the vectors of this model are as near to the reference then as is promised of any arithmetic.
func Open(o local.Options) (*local.Embedder, error) {
	if o.Arithmetic == "" && simd.FastInt8() {
		o.Arithmetic = encoder.Int8
	}
	o.ID, o.Source, o.Licence, o.Revision, o.Null = ID, "bundled", "Apache-2.0", Revision, null
	return local.Open(FS(), o)
}
