package aesgcm_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/aesgcm"
	"github.com/tidemarkdb/tidemark/runtime"
)

func key(id string, fill byte) aesgcm.Key {
	return aesgcm.Key{ID: id, Secret: bytes.Repeat([]byte{fill}, 32)}
}

func newEncrypter(t interface{ Fatal(...any) }, current aesgcm.Key, former ...aesgcm.Key) *aesgcm.Encrypter {
	nonces := aesgcm.Predictable(runtime.NewRand(7))
	e, err := aesgcm.New(aesgcm.Options{Current: current, Former: former, Nonces: nonces})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestWhatIsEncryptedIsReadAgain protects the way to and fro, whatever the bytes are, and
// that nothing but a look at all of them tells two encryptions of the same apart.
func TestWhatIsEncryptedIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEncrypter(t, key("a", 1))
		plaintext := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
		bound := rapid.SliceOf(rapid.Byte()).Draw(t, "bound")
		id, stored, err := e.Encrypt(t.Context(), plaintext, bound)
		_, again, _ := e.Encrypt(t.Context(), plaintext, bound)
		if err != nil || id != "a" || len(stored) != len(plaintext)+29 || bytes.Equal(stored, again) {
			t.Fatalf("key %q, %d bytes for %d, error %v", id, len(stored), len(plaintext), err)
		}
		got, err := e.Decrypt(t.Context(), id, stored, bound)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("got %x, error %v; want %x", got, err, plaintext)
		}
	})
}

// TestNothingElseIsRead protects readers: any bit of what is stored, of what it is bound
// to, or another secret under the name of the key makes it unreadable.
func TestNothingElseIsRead(t *testing.T) {
	ctx := t.Context()
	e, other := newEncrypter(t, key("a", 1)), newEncrypter(t, key("a", 2))
	id, stored, err := e.Encrypt(ctx, []byte("row"), []byte("place"))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(stored) {
		damaged := bytes.Clone(stored)
		damaged[bit/8] ^= 1 << (bit % 8)
		if got, err := e.Decrypt(ctx, id, damaged, []byte("place")); !errors.Is(err, persist.ErrCorruption) || got != nil {
			t.Fatalf("bit %d flipped: %q, %v", bit, got, err)
		}
	}
	for size := range stored {
		if _, err := e.Decrypt(ctx, id, stored[:size], []byte("place")); !errors.Is(err, persist.ErrCorruption) {
			t.Fatalf("cut to %d bytes: %v", size, err)
		}
	}
	_, swapped := e.Decrypt(ctx, id, stored, []byte("elsewhere"))
	_, wrong := other.Decrypt(ctx, id, stored, []byte("place"))
	_, missing := e.Decrypt(ctx, "b", stored, []byte("place"))
	if !errors.Is(swapped, persist.ErrCorruption) || !errors.Is(wrong, persist.ErrCorruption) ||
		!errors.Is(missing, persist.ErrUnknownKey) || errors.Is(missing, persist.ErrCorruption) {
		t.Errorf("swapped: %v; wrong key: %v; missing key: %v", swapped, wrong, missing)
	}
}

// TestKeysRotate protects what was written before a key was replaced.
func TestKeysRotate(t *testing.T) {
	old := newEncrypter(t, key("old", 1))
	id, stored, err := old.Encrypt(t.Context(), []byte("row"), nil)
	if err != nil {
		t.Fatal(err)
	}
	rotated := newEncrypter(t, key("new", 2), key("old", 1))
	if got, err := rotated.Decrypt(t.Context(), id, stored, nil); err != nil || string(got) != "row" {
		t.Errorf("got %q, %v", got, err)
	}
	if id, _, err := rotated.Encrypt(t.Context(), nil, nil); err != nil || id != "new" {
		t.Errorf("encrypted with %q, %v", id, err)
	}
}

// TestBadKeysAreRefused protects those who load keys from somewhere: none is too short to
// be noticed, and none is printed.
func TestBadKeysAreRefused(t *testing.T) {
	good := key("a", 1)
	for name, options := range map[string]aesgcm.Options{
		"no nonces":  {Current: good},
		"no key":     {Nonces: rand.Reader},
		"no id":      {Current: key("", 1), Nonces: rand.Reader},
		"short":      {Current: aesgcm.Key{ID: "a", Secret: good.Secret[:16]}, Nonces: rand.Reader},
		"one id":     {Current: good, Former: []aesgcm.Key{key("a", 2)}, Nonces: rand.Reader},
		"former key": {Current: good, Former: []aesgcm.Key{{ID: "b"}}, Nonces: rand.Reader},
		"long id":    {Current: key(string(make([]byte, 257)), 1), Nonces: rand.Reader},
	} {
		if _, err := aesgcm.New(options); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	secret := aesgcm.Key{ID: "a", Secret: []byte("SECRET")}
	text := fmt.Sprintf("%v %+v %#v %s %+v", secret, secret, secret, secret, aesgcm.Options{Current: secret})
	if bytes.Contains([]byte(text), []byte("SECRET")) || bytes.Contains([]byte(text), []byte("83 69")) {
		t.Errorf("printed as %s", text)
	}
}

// TestWithoutANonceNothingIsEncrypted protects the key: bytes that were not drawn would
// be those of another encryption.
func TestWithoutANonceNothingIsEncrypted(t *testing.T) {
	for _, nonces := range []io.Reader{bytes.NewReader([]byte("short")), iotest.ErrReader(errors.New("no entropy"))} {
		e, err := aesgcm.New(aesgcm.Options{Current: key("a", 1), Nonces: nonces})
		if err != nil {
			t.Fatal(err)
		}
		if _, stored, err := e.Encrypt(t.Context(), []byte("row"), nil); err == nil || stored != nil {
			t.Errorf("encrypted as %x", stored)
		}
	}
}

func ExampleNew() {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil { // or from where secrets are kept
		fmt.Println(err)
		return
	}
	keys, err := aesgcm.New(aesgcm.Options{Current: aesgcm.Key{ID: "2026-11", Secret: secret}, Nonces: rand.Reader})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	id, stored, err := keys.Encrypt(ctx, []byte("a row"), []byte("where it is stored"))
	fmt.Println(id, len(stored), err)
	row, err := keys.Decrypt(ctx, id, stored, []byte("where it is stored"))
	fmt.Println(string(row), err)
	_, err = keys.Decrypt(ctx, id, stored, []byte("elsewhere"))
	fmt.Println(errors.Is(err, persist.ErrCorruption))
	// Output:
	// 2026-11 34 <nil>
	// a row <nil>
	// true
}
