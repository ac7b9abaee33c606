// Package pickle reads pytorch_model.bin: the weights that torch.save wrote, without running any of it.
//
// Such a file is a zip archive with a program for Python's pickle machine, data.pkl, and a file of raw numbers for each
// storage, data/0, data/1 and so on. The program makes a dictionary of tensors: views of storages with a shape, strides and
// an offset. In Python it may call any function there is; here it may name the few that rebuild a tensor, and any other
// name is an error. Nothing is imported and nothing is called.
//
// The opcodes are described in Python's pickletools.py, the archive in PyTorch's "Serialization semantics".
//
// Memory is bounded by the file: an opcode makes at most one value, no integer is longer than 64 bits, packed entries are
// refused, and tensors that overlap may together be no more than a few times as large as the file.
package pickle
