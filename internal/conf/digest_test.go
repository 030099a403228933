package conf_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func sha(json string) string {
	h := sha256.Sum256([]byte(json + "\n"))
	return "sha256:" + hex.EncodeToString(h[:])
}

// Spec configuration.md 9.
func TestDigest(t *testing.T) {
	const known = "sha256:c901f8801acde3ce449033843d0bfb34bba547bc495ac38d41e3587ca53f2635"
	if got := parse(t, "port: 11000").Digest(); got != known {
		t.Errorf("the digest is %s, want %s", got, known)
	}
	f := func(in, json string) {
		t.Helper()
		if got := parse(t, in).Digest(); got != sha(json) {
			t.Errorf("%q does not have the digest of %s", in, json)
		}
	}
	f("port: 11000", `{"port":11000}`)
	f("", `{}`)
	f("X = \"a<b>&c\"\nserver_name: $X", `{"X":"a\u003cb\u003e\u0026c","server_name":"a\u003cb\u003e\u0026c"}`)
	f("b=1 # c\n\n  a: 2", `{"a":2,"b":1}`)
	f("B=1\na=2\nA=3", `{"A":3,"B":1,"a":2}`)
	f("a=1\na=2", `{"a":2}`)
	f("a=[]\nb={}\nc=[1, on, no, x]", `{"a":[],"b":{},"c":[1,true,false,"x"]}`)
	f("a=1.0\nb=1.5\nc=0.0000001\nd=1000000000000000000000.0\ne=-2.50", `{"a":1,"b":1.5,"c":1e-7,"d":1e+21,"e":-2.5}`)
	f("a=1kb\nb=2016-05-04T18:53:41Z", `{"a":1024,"b":"2016-05-04T18:53:41Z"}`)
	f("a='\u2028\u2029\xff\"\\\t\x01'", `{"a":"\u2028\u2029\ufffd\"\\\t\u0001"}`)
	f("a\xff=1", `{"a\ufffd":1}`)
	f("{a {b [{c: 1}]}}", `{"a":{"b":[{"c":1}]}}`)

	write(t, map[string]string{"sub.conf": "x=1"})
	f("a=2\ninclude sub.conf", `{"a":2,"x":1}`)
	t.Setenv("V", "[1, 2 ]")
	f("a=$V", `{"a":[1,2]}`)
}
