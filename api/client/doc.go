// Package client speaks searchd's HTTP API from Go. The command line uses it, for a running server and for a data
// folder alike.
package client
