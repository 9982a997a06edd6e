// Package aesgcm encrypts the rows of shards with AES-256-GCM: an [Encrypter] is a
// [persist.Encrypter] with keys that are in memory.
//
//	keys, err := aesgcm.New(aesgcm.Options{
//		Current: aesgcm.Key{ID: "2026-11", Secret: secret},
//		Former:  []aesgcm.Key{{ID: "2026-05", Secret: before}},
//		Nonces:  rand.Reader, // of crypto/rand
//	})
//	client, err := persist.New(rt, blob, consensus, persist.Config{Encrypter: keys})
//
// # Keys
//
// New rows are encrypted with the current key; rows of former ones are read as long as
// those are given. To rotate, make a new Encrypter with a new current key and the old
// one among the former, give it to all processes that read, and then let them write with
// it: [persist.Client.Configure] does so without a restart. What is merged in the
// background is encrypted anew; a former key can go when [persist.InspectedBatch].KeyIDs no
// longer names it, and no version that somebody holds does.
//
// An id stands for one secret. A wrong secret under a known id looks like damage, since
// nobody can tell the two apart.
//
// # Nonces
//
// No two encryptions with one key may have the same nonce, or the key is lost: whoever
// sees both learns of both, and can forge others. So the source of the 96-bit nonces has
// to be named: crypto/rand in production, where a key is good for 2^32 encryptions (NIST
// SP 800-38D, 8.3), each of which is a part of megabytes or an append. [Predictable] is
// for simulations, which have to repeat.
//
// # What is stored
//
// A byte with the version of this form, 1; the nonce; the ciphertext with its tag of 16
// bytes: 29 bytes more than the plaintext. Lengths are not hidden.
//
//sim:deterministic
package aesgcm
