package aesgcm

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tidemarkdb/tidemark/persist"
)

// secretSize is that of AES-256, in bytes.
const secretSize = 32

// version is the first byte of what is stored.
const version = 1

// Key is a secret with a name. The text of a Key does not show the secret.
type Key struct {
	// ID is stored with what the key encrypts: not empty, at most 256 bytes.
	ID string
	// Secret are 32 bytes that nobody can guess.
	Secret []byte
}

// String returns the id.
func (k Key) String() string { return "key " + k.ID }

// GoString returns the id, too.
func (k Key) GoString() string { return k.String() }

// Options are the keys of an [Encrypter], and where its nonces come from.
type Options struct {
	// Current encrypts and decrypts.
	Current Key
	// Former only decrypt. Ids must not repeat.
	Former []Key
	// Nonces yields bytes that never repeat: rand.Reader of crypto/rand, or what
	// [Predictable] returns. There is no default.
	Nonces io.Reader
}

// Encrypter is a [persist.Encrypter]. It is safe for concurrent use.
type Encrypter struct {
	current string
	keys    map[string]cipher.AEAD

	mu     sync.Mutex //sim:allow native-lock because nothing parks while it is held
	nonces io.Reader
}

var _ persist.Encrypter = (*Encrypter)(nil)

// New returns an encrypter. It does not keep the secrets. The error wraps
// [persist.ErrUsage].
func New(options Options) (*Encrypter, error) {
	if options.Nonces == nil {
		return nil, fmt.Errorf("aesgcm: no source of nonces: %w", persist.ErrUsage)
	}
	e := &Encrypter{current: options.Current.ID, keys: make(map[string]cipher.AEAD), nonces: options.Nonces}
	for _, key := range append([]Key{options.Current}, options.Former...) {
		if err := e.add(key); err != nil {
			return nil, fmt.Errorf("aesgcm: %v: %w: %w", key, persist.ErrUsage, err)
		}
	}
	return e, nil
}

// idSizeMax is that of [persist.Encrypter], in bytes.
const idSizeMax = 256

func (e *Encrypter) add(key Key) error {
	switch {
	case key.ID == "" || len(key.ID) > idSizeMax:
		return fmt.Errorf("an id of %d bytes", len(key.ID))
	case len(key.Secret) != secretSize:
		return fmt.Errorf("a secret of %d bytes, not %d", len(key.Secret), secretSize)
	case e.keys[key.ID] != nil:
		return errors.New("two keys of one id")
	}
	block, err := aes.NewCipher(key.Secret)
	if err != nil {
		return err
	}
	e.keys[key.ID], err = cipher.NewGCM(block)
	return err
}

// Encrypt implements [persist.Encrypter]. The error is that of the source of nonces.
func (e *Encrypter) Encrypt(_ context.Context, plaintext, bound []byte) (keyID string, ciphertext []byte, err error) {
	aead := e.keys[e.current]
	head := 1 + aead.NonceSize()
	stored := make([]byte, head, head+len(plaintext)+aead.Overhead())
	stored[0] = version
	if err := e.nonce(stored[1:head]); err != nil {
		return "", nil, fmt.Errorf("aesgcm: nonce: %w", err)
	}
	return e.current, aead.Seal(stored, stored[1:head], plaintext, bound), nil
}

func (e *Encrypter) nonce(nonce []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, err := io.ReadFull(e.nonces, nonce)
	return err
}

// Decrypt implements [persist.Encrypter].
func (e *Encrypter) Decrypt(_ context.Context, keyID string, ciphertext, bound []byte) ([]byte, error) {
	aead := e.keys[keyID]
	if aead == nil {
		return nil, fmt.Errorf("aesgcm: %w: %q", persist.ErrUnknownKey, keyID)
	}
	head := 1 + aead.NonceSize()
	if len(ciphertext) < head || ciphertext[0] != version {
		return nil, fmt.Errorf("aesgcm: %w: %d bytes of another form", persist.ErrCorruption, len(ciphertext))
	}
	plaintext, err := aead.Open(nil, ciphertext[1:head], ciphertext[head:], bound)
	if err != nil {
		return nil, fmt.Errorf("aesgcm: %w: not what was encrypted with key %q there", persist.ErrCorruption, keyID)
	}
	return plaintext, nil
}
