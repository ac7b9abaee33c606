// Package encoder is the forward pass of text encoders of the BERT family: token ids in, vectors or logits out. It does
// arithmetic only, no input or output. BERT, RoBERTa, XLM-RoBERTa, CamemBERT, MPNet and DistilBERT are rows of one table,
// architectures, which feeds one forward pass.
//
// A Model is immutable: its weights are packed once, by New, in the order the kernels of internal/simd read them. A
// Workspace holds everything that changes during a pass, so that one Model serves many goroutines, each with a Workspace of
// its own, and a pass allocates nothing once the Workspace has grown to its size.
//
// Batches are ragged: the ids of all texts one after the other, and where each ends. Nothing is padded to the longest text.
// No output depends on the other texts of its batch, so a text has the same vector, bit for bit, alone and in company.
//
// # Layout
//
// T is the number of tokens in a batch, H the hidden size rounded up to whole panels of 32 columns, D the head size rounded
// up likewise. Rounding happens once, when weights are packed: the columns it adds stay zero. For each layer:
//
//	for each head:  Q [T][D], K [T][D] and V [D/32][T][32] from the hidden state [T][H]
//	                for each text: Kᵀ as panels, scores = Q·Kᵀ (and MPNet's bias), softmax, context = scores·V
//	hidden = LayerNorm(hidden + context·Wo)
//	for each 128 rows: hidden = LayerNorm(hidden + GELU(hidden·W1)·W2)
//
// Matrices that are stored as int8 with a scale for each 64 inputs, as Quantize makes them, are never turned into floats. What
// they are multiplied with is rounded to int16, again with a scale for each 64 values, so that 64 products add up exactly in an
// int32: simd.GemmInt16. To the vectors that is no loss that can be measured (the activations keep 15 bits), and it takes half
// the instructions and a quarter of the bytes of float32. Attention, GELU and LayerNorm stay in float32.
//
// With the arithmetic Int8 they are rounded to int8 instead: simd.GemmInt8. That is a loss, most of all where one value of a group is
// far larger than the others; the state has such values, always at the same places, and one a group is kept as five. A group has a zero of
// its own, too: after GELU nearly all values are on one side of it.
//
// At the end the rows of each text are pooled, and go through the dense layers of Output; a classifier's head is two of them.
//
// Every product goes panel by panel, with all rows inside, so a panel of weights stays in the nearest cache while it is
// used; V comes out of its product in the very layout that the next one wants for a panel.
package encoder
