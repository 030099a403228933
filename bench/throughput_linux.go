package main

const blockSize = 256 << 10 // bytes of one publisher's write

// subject and sid of the simple scenarios, short as a hot subject would be.
const (
	hotSubject = "bench.hot"
	hotSid     = "1"
)

// shape describes the simple throughput scenarios.
type shape struct {
	pubs, subs int
	queue      string
	size       int
	pairs      bool // publisher i has its own subject and subscriber i
	user, pass string
}

// run measures a shape against a server.
func (sh shape) run(e *env) (measurement, error) { return sh.runWith(e, "") }

// runWith is run with the text of a configuration file.
func (sh shape) runWith(e *env, config string) (measurement, error) {
	p, err := e.startConfigured("server", config)
	if err != nil {
		return measurement{}, err
	}
	if !sh.pairs {
		f, err := e.shapeFlow(p, p, sh, hotSubject)
		if err != nil {
			return measurement{}, err
		}
		return e.measureFlows([]*flow{f})
	}
	var flows []*flow
	one := shape{pubs: 1, subs: 1, size: sh.size}
	for i := range sh.pubs {
		f, err := e.shapeFlow(p, p, one, hotSubject+string(rune('a'+i)))
		if err != nil {
			return measurement{}, err
		}
		flows = append(flows, f)
	}
	return e.measureFlows(flows)
}

func (sh shape) options() sockOptions {
	o := wideOptions
	o.user, o.pass = sh.user, sh.pass
	return o
}

// shapeFlow opens the connections of one flow, from publishers on one server to
// subscribers on another, or the same.
func (e *env) shapeFlow(from, to *process, sh shape, subject string) (*flow, error) {
	copies := sh.subs
	if sh.queue != "" {
		copies = 1
	}
	block := max(blockSize, 16*sh.size)
	f := &flow{
		chunks: []chunk{uniformChunk(subject, hotSid, sh.size, copies, block)},
		shared: sh.queue != "",
	}
	for range sh.subs {
		s, err := e.subscriber(to.port, sh.options(), subject, sh.queue, hotSid)
		if err != nil {
			return nil, err
		}
		f.subs = append(f.subs, s)
	}
	for range sh.pubs {
		s, err := e.client(from.port, sh.options())
		if err != nil {
			return nil, err
		}
		f.pubs = append(f.pubs, s)
	}
	return f, nil
}

// limit measures the relay for the same shape, with one publisher.
func (sh shape) limit(e *env) (measurement, error) {
	block := max(blockSize, 16*sh.size)
	if sh.subs == 0 {
		return relayFlow(e, uniformChunk(hotSubject, hotSid, sh.size, 0, block), 0)
	}
	return relayFlow(e, deliveredChunk(hotSubject, hotSid, sh.size, sh.subs, block), sh.subs)
}

// runSubjects measures 100,000 subjects in random order with some wildcards.
func runSubjects(e *env) (measurement, error) {
	const conns = 8
	literals := literalSubs(100_000, conns)
	wildcards := []subscription{
		{conns, "bench.a7.*", "1"},
		{conns, "*.a9.>", "2"},
		{conns, "bench.*.b11", "3"},
		{conns, "bench.a13.>", "4"},
	}
	p, err := e.startServer()
	if err != nil {
		return measurement{}, err
	}
	// 16 MB hold more messages than there are subjects: what was seen a moment
	// ago is no help to a server.
	f := &flow{shared: true, chunks: randomChunks(literals, wildcards, 128, 16<<20, blockSize)}
	for range conns + 1 {
		s, err := e.client(p.port, wideOptions)
		if err != nil {
			return measurement{}, err
		}
		f.subs = append(f.subs, s)
	}
	if err := subscribeAll(f.subs, append(literals, wildcards...)); err != nil {
		return measurement{}, err
	}
	pub, err := e.client(p.port, wideOptions)
	if err != nil {
		return measurement{}, err
	}
	f.pubs = []*sock{pub}
	return e.measureFlows([]*flow{f})
}

// subscribeAll sends the SUBs, connection by connection, in large blocks.
func subscribeAll(conns []*sock, subs []subscription) error {
	lines := make([][]byte, len(conns))
	for _, sub := range subs {
		b := append(lines[sub.conn], "SUB "...)
		b = append(append(b, sub.subject...), ' ')
		lines[sub.conn] = append(append(b, sub.sid...), "\r\n"...)
	}
	for i, c := range conns {
		if err := c.write(lines[i]); err != nil {
			return err
		}
		if err := c.sync(); err != nil {
			return err
		}
	}
	return nil
}
