package client_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"searchd/api/client"
	"searchd/api/wire"
)

// server is a searchd for the examples.
func server() (address string, stop func()) {
	dir, err := os.MkdirTemp("", "searchd")
	must(err)
	address, end, err := run(dir)
	must(err)
	return address, func() { _ = end(); _ = os.RemoveAll(dir) }
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func Example() {
	address, stop := server() // or "http://127.0.0.1:8080"
	defer stop()
	ctx := context.Background()
	c, err := client.New(address, nil)
	must(err)
	job, err := c.Ingest(ctx, "default", []wire.Document{
		{ID: "bread", Text: "Yeast turns sugar into gas, and the gas lifts the dough."},
		{ID: "tides", Text: "The moon pulls the water of the oceans towards itself."},
	}, 30)
	must(err)
	fmt.Println(job.Status, job.Done)
	answer, err := c.Search(ctx, "default", wire.SearchRequest{Query: "what moves the sea"})
	must(err)
	fmt.Println(answer.Total, answer.Hits[0].DocumentID)
	// Output:
	// done 2
	// 2 tides
}

// A filter is JSON, as everywhere.
func ExampleClient_Search() {
	address, stop := server()
	defer stop()
	ctx := context.Background()
	c, err := client.New(address, nil)
	must(err)
	_, err = c.Ingest(ctx, "", []wire.Document{
		{ID: "old", Text: "How the harbour was built.", Metadata: jsontext.Value(`{"year":1890}`)},
		{ID: "new", Text: "How the harbour was deepened.", Metadata: jsontext.Value(`{"year":2021}`)},
	}, 30)
	must(err)
	answer, err := c.Search(ctx, "", wire.SearchRequest{Query: "harbour", Filter: jsontext.Value(`{"year":{"$gte":2000}}`)})
	must(err)
	for _, hit := range answer.Hits {
		fmt.Println(hit.DocumentID)
	}
	// Output: new
}

// Any number of documents can be sent as they come, and their job be watched.
func ExampleClient_Watch() {
	address, stop := server()
	defer stop()
	ctx := context.Background()
	c, err := client.New(address, nil)
	must(err)
	lines := strings.NewReader(`{"id":"a","text":"A first document."}
{"id":"b","text":"A second one."}
{"id":"c","text":""}
`)
	job, err := c.IngestLines(ctx, "", lines, client.IngestOptions{})
	must(err)
	job, err = c.Watch(ctx, job.ID, func(now wire.Job) { log.Printf("%d of %d", now.Done+now.Failed, now.Total) })
	must(err)
	for _, r := range job.Results {
		if r.Error != nil {
			fmt.Println(r.ID, r.Status, r.Error.Message)
			continue
		}
		fmt.Println(r.ID, r.Status)
	}
	// Output:
	// a created
	// b created
	// c failed is empty; give the text to be found
}
