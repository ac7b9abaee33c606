// Package hnsw is the index engine for many vectors: a navigable graph over int8 vectors, whose answers are scored again in
// full precision.
//
// The graph is the bottom layer of HNSW (Malkov, Yashunin: Efficient and robust approximate nearest neighbor search using
// Hierarchical Navigable Small World graphs, 2018): nodes are linked to near ones that are not much nearer to each other.
// (That it may be a little is from DiskANN: Subramanya et al., 2019.) Its upper layers only find a place to start from, which
// in many dimensions a flat graph does as well (Munyampirwa, Lakshman, Coleman: Down with the Hierarchy, 2024). Here a sample of
// √n vectors, kept side by side, is scanned for it.
//
// In memory are the int8 vector, 32 links and 20 bytes more, some 570 bytes a vector of 384 dimensions. The upper and the lower
// four bits of values lie in places of their own, since memory is what searches wait for: walks and scans compare the upper ones,
// and read the others of what is near. The float32 vectors lie in a file that is mapped. How far an int8 vector is from what it
// stands for is known, and so is what its lower bits can amount to: a scan of all keeps what these bounds cannot exclude,
// scores it in float32 and is exact. Every score that is answered is the float32 inner product.
//
// Upsert adds rows, which every search scans until a goroutine has linked them. Deleted rows stay as steps of the way until they are many;
// then that goroutine links their neighbours to each other (as FreshDiskANN does: Singh et al., 2021) and frees them.
// A snapshot, with a checksum for each block and each float32 vector, saves building the graph again at the next start.
package hnsw
