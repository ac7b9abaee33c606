// Package api is the HTTP edge: routes, limits, strict decoding, and errors as status codes. It is the only importer of
// fiber; what a request means is decided in packages ingest and search.
package api
