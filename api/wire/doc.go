// Package wire holds the JSON of the HTTP API as Go types, for the server and its client alike.
package wire
