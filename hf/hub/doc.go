// Package hub brings models from the Hugging Face hub, and reads what is here already.
//
// Models lie in the standard cache, so that searchd and Python's huggingface_hub share every download:
//
//	hub/.locks/models--org--name/<etag>.lock           held while a blob is fetched
//	hub/models--org--name/blobs/<etag>                 the bytes, named by their SHA-256 (large files) or git's SHA-1
//	hub/models--org--name/blobs/<etag>.incomplete      the beginning of a file whose download was cut
//	hub/models--org--name/snapshots/<commit>/<path>    a link to the blob
//	hub/models--org--name/refs/<branch or tag>         the commit it stands for
//
// A blob takes its name when its hash has been checked, and a ref is written when every file of its snapshot is there:
// whoever reads the cache finds a whole model or none. A download that was cut goes on where it ended.
//
// The token goes to the hub and to nobody else: large files come from another host, behind a signed URL.
package hub
