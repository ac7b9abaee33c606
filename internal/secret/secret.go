package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	keyBytes = 32
	fileName = "secret.key"
	prefix   = "v1:" // of sealed texts: how they are made may change
)

// Box seals and opens texts with one master key. It is safe for concurrent use.
type Box struct {
	aead cipher.AEAD
}

// Open makes a box. The master key is encoded (32 bytes in base64) where that is not empty; otherwise it lies in dir, in
// a file that is made when it is first needed.
func Open(dir, encoded string) (*Box, error) {
	if encoded == "" {
		var err error
		if encoded, err = readOrMake(filepath.Join(dir, fileName)); err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("secret: the master key is not %d bytes in base64; make one with: openssl rand -base64 %d", keyBytes, keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return &Box{aead: aead}, nil
}

func readOrMake(path string) (string, error) {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails: it ends the process first
	encoded := base64.StdEncoding.EncodeToString(key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return read(path)
	}
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(encoded + "\n")
	return encoded, errors.Join(err, f.Sync(), f.Close())
}

// read refuses a file that others can read: the key in it would be known.
func read(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %04o): make it private with chmod 600, and replace the keys that were kept with it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// Seal encrypts text. What it belongs to is bound to it: a sealed text that is moved elsewhere does not open.
func (b *Box) Seal(text, belongsTo string) string {
	nonce := make([]byte, b.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails: it ends the process first
	sealed := b.aead.Seal(nonce, nonce, []byte(text), []byte(belongsTo))
	return prefix + base64.StdEncoding.EncodeToString(sealed)
}

// Open decrypts what Seal made.
func (b *Box) Open(sealed, belongsTo string) (string, error) {
	encoded, ok := strings.CutPrefix(sealed, prefix)
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(raw) < b.aead.NonceSize() {
		return "", errors.New("secret: the sealed text is damaged")
	}
	n := b.aead.NonceSize()
	text, err := b.aead.Open(nil, raw[:n], raw[n:], []byte(belongsTo))
	if err != nil {
		return "", errors.New("secret: a kept key does not open; it was kept with another master key: enter it again")
	}
	return string(text), nil
}
