// Package client speaks searchd's HTTP API from Go. The command line uses it, for a running server and for a data
// folder alike.
//
//	c, err := client.New("http://127.0.0.1:8080", nil)
//	job, err := c.Ingest(ctx, "notes", []wire.Document{{ID: "tides", Text: "The moon pulls the water of the oceans."}}, 30)
//	answer, err := c.Search(ctx, "notes", wire.SearchRequest{Query: "what moves the sea"})
//
// Requests and answers are the types of package wire: the JSON of the API. What the server refuses is a *wire.Error with the field
// and the remedy. A request that comes when the server is busy (429, or 503 with Retry-After) is sent again when the server says so,
// three times at most; see WithRetries. Every call ends with its context.
package client
