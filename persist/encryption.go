package persist

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Encrypter keeps rows from those who can read the store. Of a part, in an object or
// within the metadata, it encrypts the updates and what is known of the rows in them,
// their bounds. All else of the metadata stays readable: how much there is, frontiers,
// schemas, and what hosts and purposes are called. Package persist/aesgcm has one.
//
// Every method is safe for concurrent use. Errors that wrap [ErrCorruption] or
// [ErrUnknownKey], or [ErrUsage], are final; after others the call is repeated until its
// context ends.
type Encrypter interface {
	// Encrypt returns the id of the key that is used at present, which is not empty and
	// has at most 256 bytes, and what plaintext is with it. The result can be decrypted
	// only together with the same bound, which is not secret and not stored. It keeps
	// neither, and the result belongs to the caller.
	Encrypt(ctx context.Context, plaintext, bound []byte) (keyID string, ciphertext []byte, err error)

	// Decrypt returns what Encrypt was given. The error wraps [ErrUnknownKey] if the key
	// is not there, and [ErrCorruption] if the bytes, the bound or the key are not those
	// of Encrypt.
	Decrypt(ctx context.Context, keyID string, ciphertext, bound []byte) (plaintext []byte, err error)
}

// ErrUnknownKey is wrapped by errors about encrypted bytes whose key is not there.
var ErrUnknownKey = errors.New("unknown key")

// KeyError says that rows can not be read because this process does not have their key.
// Nothing is damaged; whoever has the key reads them. It wraps [ErrUnknownKey].
type KeyError struct {
	// KeyID is the id of the key.
	KeyID string
}

// Error implements error.
func (e *KeyError) Error() string {
	return fmt.Sprintf("persist: rows are encrypted with the key %q", e.KeyID)
}

// Is reports that the error is [ErrUnknownKey].
func (e *KeyError) Is(target error) bool { return target == ErrUnknownKey }

// boundTo returns what the bytes of a part are bound to: the object that they are in or,
// within the metadata, the run, and what they are. Exchanged for each other, or for those
// of another shard, they cannot be decrypted, whatever the metadata says.
func (m *machine) boundTo(run state.RunID, p state.Part, what string) []byte {
	place := objectKey(m.key, p.Key)
	if p.IsInline() {
		place = objectKey(m.key, run.String())
	}
	return fmt.Appendf(nil, "tidemark %s %d %s", what, p.Format, place)
}

// What is encrypted of a part.
const (
	updatesOfPart = "updates"
	boundsOfPart  = "bounds"
)

// bounds is what is known of the rows of a part.
type bounds struct {
	_               struct{} `cbor:",toarray"`
	RowLower, Stats []byte
}

// encrypt returns a part and its bytes as they are to be stored: encrypted, if the client
// has something to do so with.
func (m *machine) encrypt(
	ctx context.Context, run state.RunID, p state.Part, data []byte,
) (state.Part, []byte, error) {
	encrypter := m.client.config().Encrypter
	if encrypter == nil {
		return p, data, nil
	}
	seal := func(plaintext []byte, what string) (keyID string, ciphertext []byte, err error) {
		err = m.client.retryExternal(ctx, func() (err error) {
			keyID, ciphertext, err = encrypter.Encrypt(ctx, plaintext, m.boundTo(run, p, what))
			return err
		})
		if err == nil && keyID == "" {
			err = fmt.Errorf("persist: encrypted with a key without an id: %w", ErrUsage)
		}
		return keyID, ciphertext, err
	}
	keyID, stored, err := seal(data, updatesOfPart)
	if err != nil {
		return p, nil, err
	}
	encrypted := p
	encrypted.RowLower, encrypted.Stats, encrypted.KeyID = nil, nil, keyID
	encrypted.EncodedSize, encrypted.Checksum = uint64(len(stored)), wire.Checksum(stored)
	if p.IsInline() {
		encrypted.Inline = stored
		return encrypted, stored, nil // so little has no bounds
	}
	known, err := wire.Marshal(bounds{RowLower: p.RowLower, Stats: p.Stats})
	if err != nil {
		return p, nil, err
	}
	boundsKeyID, sealed, err := seal(known, boundsOfPart)
	if err == nil && boundsKeyID == keyID { // otherwise the key has changed in between: they are not needed
		encrypted.Bounds = sealed
	}
	return encrypted, stored, err
}

// decrypt returns what was encrypted, and what is not as it is. Size and checksum of
// updates have been verified; bounds are within the metadata, which has its own.
func (m *machine) decrypt(
	ctx context.Context, run state.RunID, p state.Part, data []byte, what string,
) (plaintext []byte, err error) {
	if !p.IsEncrypted() {
		return data, nil
	}
	encrypter := m.client.config().Encrypter
	if encrypter == nil {
		return nil, &KeyError{p.KeyID}
	}
	err = m.client.retryExternal(ctx, func() (err error) {
		plaintext, err = encrypter.Decrypt(ctx, p.KeyID, data, m.boundTo(run, p, what))
		return err
	})
	if errors.Is(err, ErrUnknownKey) {
		err = fmt.Errorf("%w: %w", &KeyError{p.KeyID}, err)
	}
	return plaintext, err
}

// decryptInline returns an inlined part as it was before it was encrypted.
func (m *machine) decryptInline(ctx context.Context, run state.RunID, p state.Part) (state.Part, error) {
	if !p.IsEncrypted() {
		return p, nil
	}
	if uint64(len(p.Inline)) != p.EncodedSize || wire.Checksum(p.Inline) != p.Checksum {
		return p, fmt.Errorf("%w: an inlined part has another size or checksum", ErrCorruption)
	}
	plaintext, err := m.decrypt(ctx, run, p, p.Inline, updatesOfPart)
	if err != nil {
		return p, err
	}
	p.Inline, p.EncodedSize, p.Checksum, p.KeyID = plaintext, uint64(len(plaintext)), wire.Checksum(plaintext), ""
	return p, nil
}

// withBounds returns a part with what is known of its rows, which does not make it one
// that is not encrypted.
func (m *machine) withBounds(ctx context.Context, run state.RunID, p state.Part) (state.Part, error) {
	if len(p.Bounds) == 0 {
		return p, nil
	}
	known, err := m.decrypt(ctx, run, p, p.Bounds, boundsOfPart)
	if err != nil {
		return p, err
	}
	var b bounds
	if err := wire.Unmarshal("bounds of a part", known, &b); err != nil {
		return p, err
	}
	p.RowLower, p.Stats = b.RowLower, b.Stats
	return p, nil
}
