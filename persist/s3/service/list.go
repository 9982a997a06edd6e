package service

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

type listBody struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              int
	IsTruncated           bool
	Contents              []listedObject
	CommonPrefixes        []listedPrefix
}

type listedObject struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type listedPrefix struct{ Prefix string }

// list answers with a page of keys, in the order of their bytes.
func (s *Service) list(r *request) (*answer, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, err
	}
	if r.query.Get("encoding-type") != "" {
		return nil, notImplemented("an encoding of keys")
	}
	body := listBody{
		Name: r.bucket, Prefix: r.query.Get("prefix"), Delimiter: r.query.Get("delimiter"),
		StartAfter: r.query.Get("start-after"), ContinuationToken: r.query.Get("continuation-token"),
		MaxKeys: s.options.PageSizeMax,
	}
	if text := r.query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, failure(400, "InvalidArgument", "max-keys is not a number.")
		}
		body.MaxKeys = min(n, body.MaxKeys)
	}
	after := body.StartAfter
	if body.ContinuationToken != "" {
		token, err := base64.URLEncoding.DecodeString(body.ContinuationToken)
		if err != nil {
			return nil, failure(400, "InvalidArgument", "The continuation token is not one of ours.")
		}
		after = string(token)
	}
	body.fill(b, after)
	a := respond(200).set("Content-Type", "application/xml")
	a.body = document(body)
	return a, nil
}

// fill takes the keys behind one.
func (l *listBody) fill(b *bucket, after string) {
	keys := slices.Sorted(maps.Keys(b.objects))
	i := sort.SearchStrings(keys, max(after, l.Prefix))
	last := after
	for ; i < len(keys) && strings.HasPrefix(keys[i], l.Prefix); i++ {
		key := keys[i]
		group := l.group(key)
		if key <= after || group != "" && group <= last && strings.HasPrefix(last, group) {
			continue
		}
		if l.KeyCount == l.MaxKeys {
			l.IsTruncated = true
			l.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
			return
		}
		l.KeyCount++
		last = key
		if group != "" {
			last = group
			l.CommonPrefixes = append(l.CommonPrefixes, listedPrefix{group})
			continue
		}
		o := b.objects[key]
		l.Contents = append(l.Contents, listedObject{key, timestamp(o.modified), o.etag, len(o.body), "STANDARD"})
	}
}

// group returns the common prefix that a key is told of under, or nothing.
func (l *listBody) group(key string) string {
	if l.Delimiter == "" {
		return ""
	}
	rest := key[len(l.Prefix):]
	if i := strings.Index(rest, l.Delimiter); i >= 0 {
		return l.Prefix + rest[:i+len(l.Delimiter)]
	}
	return ""
}
