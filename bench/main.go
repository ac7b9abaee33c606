// Command bench measures searchd and its peers on the same texts or vectors in one run, and prints the ratios as a table; or how close
// searchd's vectors are to those of the reference.
//
// It is a module of its own, so that nothing of it can reach the product. `make bench-peers` prepares the peers and runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"
)

// reference is what commands need of the peers.
type reference struct {
	Python string `help:"Python that has the peers; see requirements.txt." default:"python3"`
	Model  string `help:"Folder of the published all-MiniLM-L6-v2, for the peers." required:"" type:"existingdir"`
	Work   string `help:"Folder for the workload and the exported models." default:".work" type:"path"`
}

type command struct {
	Speed    speed    `cmd:"" help:"Texts a second, latency and memory of searchd and its peers."`
	Accuracy accuracy `cmd:"" help:"Cosine of searchd's vectors to those of sentence-transformers in float32, text by text."`
	Vectors  vectors  `cmd:"" help:"Make vectors of real passages and questions, for index."`
	Service  services `cmd:"" help:"The service over HTTP and its peers in process: documents in, and searches by vector and by text."`
	Ingest   ingests  `cmd:"" help:"Documents in: beside the embedding alone, once more, during searches, and in a stream."`
	Index    indexes  `cmd:"" help:"The vector index and its peers: recall, queries a second, build time, memory, exact and filtered search."`
	Growth   growth   `cmd:"" help:"The vector index as it grows: recall, latency and build time over ever more vectors."`
}

type speed struct {
	reference
	Binary   string   `help:"searchd binary, to be measured over HTTP." type:"existingfile"`
	Peers    []string `help:"Peers to measure." default:"onnxruntime,onnxruntime-int8,openvino,openvino-bf16,sentence-transformers"`
	Levels   []string `help:"Kernels of searchd to measure, avx2-int8 or avx512-int16 for those that multiply in something else than they do by themselves; if left out the best that the processor has and, where it has VNNI, those in the other of the two."`
	Tei      string   `help:"Address of a running text-embeddings-inference that serves the same model, to be put under the same load."`
	Rounds   int      `help:"Rounds; every engine is measured once a round, and the table shows medians." default:"3"`
	Baseline string   `help:"Write the figures to this file, as JSON."`
}

func main() {
	var c command
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // peers end with it
	defer stop()
	k := kong.Parse(&c, kong.Description("Measures searchd against its peers."), kong.Vars{"vectorWords": strconv.Itoa(vectorWords)},
		kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}

// Run measures every engine once a round, so that a machine whose clock drifts slows all of them.
func (c *speed) Run(ctx context.Context) error {
	if err := os.MkdirAll(c.Work, 0o755); err != nil {
		return err
	}
	w, err := newWorkload()
	if err != nil {
		return err
	}
	path := filepath.Join(c.Work, "workload.json")
	if err := w.write(path); err != nil {
		return err
	}
	var r results
	for round := range c.Rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, c.Rounds)
		figures, err := c.round(ctx, w, path)
		if err != nil {
			return err
		}
		r.add(figures)
		if err := save(c.Baseline, "rounds", r.rounds); err != nil {
			return err
		}
	}
	return r.print(os.Stdout)
}

func (c *speed) round(ctx context.Context, w *workload, path string) ([]figures, error) {
	all, err := measureInProcess(ctx, w, c.Levels)
	if err != nil {
		return nil, err
	}
	for _, peer := range c.Peers {
		f, err := c.measurePeer(ctx, path, peer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", peer, err)
		}
		all = append(all, f)
	}
	servers, err := c.servers(ctx, w)
	return append(all, servers...), err
}

// servers measures searchd, and text-embeddings-inference where there is one, over HTTP.
func (c *speed) servers(ctx context.Context, w *workload) ([]figures, error) {
	var all []figures
	if c.Binary != "" {
		f, err := measureBinary(ctx, c.Binary, w)
		if err != nil {
			return nil, fmt.Errorf("searchd over HTTP: %w", err)
		}
		all = append(all, f)
	}
	if c.Tei != "" {
		f, err := measureServer(ctx, "text-embeddings-inference over HTTP", c.Tei+"/embed", w)
		if err != nil {
			return nil, fmt.Errorf("text-embeddings-inference: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
}
