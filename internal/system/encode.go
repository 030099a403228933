package system

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"

	"github.com/klauspost/compress/s2"
)

// encode returns a value as JSON, compressed as the request has asked for, with the
// header that says so; none for one that has not.
func encode(v any, accepted string) (header string, body []byte, err error) {
	if body, err = json.Marshal(v); err != nil || accepted == "" {
		return "", body, err
	}
	var b bytes.Buffer
	var w io.WriteCloser
	name := strings.ToLower(accepted)
	switch name {
	case "snappy", "s2":
		name, w = "snappy", s2.NewWriter(&b, s2.WriterSnappyCompat(), s2.WriterConcurrency(1))
	case "gzip":
		w = gzip.NewWriter(&b)
	default:
		return contentEncoding("identity"), body, nil
	}
	if _, err = w.Write(body); err == nil {
		err = w.Close()
	}
	return contentEncoding(name), b.Bytes(), err
}

func contentEncoding(name string) string { return "NATS/1.0\r\nContent-Encoding: " + name + "\r\n\r\n" }
