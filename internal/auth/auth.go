// Package auth decides whether a peer may come in, and who it is. The one gate is
// Directory.Admit; whatever a connection does before it has passed is refused by
// its session.
package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"maps"
	"slices"

	"nats-server/internal/perms"
)

// Credentials are what a peer presents, and how it is connected.
type Credentials struct {
	User, Password, Token string
	Nkey, Signature       string // of Nonce, by the key
	Nonce                 string // what the peer was given to sign
	Type                  string // of the connection: Standard or InProcess

	Certificate *x509.Certificate // of the peer, as TLS has verified it; nil if there is none

	Place string    // where the peer comes from: those from one place share turns
	Asked *Question // for the embedding program; needed if Directory.Asks
}

// Types of connections, as users may be restricted to.
const (
	Standard  = "STANDARD"
	InProcess = "IN_PROCESS"
)

// User is one who may come in, by a name and a password or by an nkey.
type User struct {
	Name, Password string // Password may be a bcrypt hash
	Nkey           string // public key of a user; "" for one with a name
	Account        string // "" = the global one
	Permissions    *perms.Permissions
	Types          []string // of connections; empty = all
}

// Config says who may come in. Passwords and Token may be bcrypt hashes. The order in
// which the parts are asked is that of spec: accounts-and-auth 1.2.
type Config struct {
	Users          []User
	NoAuthUser     string // name or nkey of the one that a peer without credentials is
	Token          string
	User, Password string // of the single user

	// Open lets a peer without credentials in, as nobody in particular, although
	// there are users.
	Open bool

	// Custom is asked instead of everything else; nil = nobody is.
	Custom Authenticator

	// MapCertificate is for peers whose certificates say who they are, else nil. It is
	// called once, with the names of all users.
	MapCertificate func(names []string) CertificateMap
}

// CertificateMap finds the user that a certificate stands for among those that may be
// used (spec: accounts-and-auth 1.7).
type CertificateMap func(cert *x509.Certificate, usable func(string) bool) (name string, ok bool)

// Kind is how a peer has shown who it is.
type Kind uint8

const (
	Anybody Kind = iota // not at all, since nobody asks
	ByName
	ByNkey
	ByToken
)

// Identity is who a peer is. It is immutable.
type Identity struct {
	Kind        Kind
	Name        string // user name or nkey, "" for one who is nobody in particular
	Account     string // "" = the global one
	Listed      bool   // one of Config.Users
	Permissions *perms.Permissions
	types       []string
	secret      *secret // nil for an nkey
	by          *custom // who said so; nil = the directory itself
}

// String is the identity in log lines.
func (i *Identity) String() string {
	return [...]string{"", "user:", "nkey:", "token"}[i.Kind] + i.Name
}

// Directory answers for the credentials of a server. It is immutable but for what it
// remembers, and safe for concurrent use.
type Directory struct {
	users  map[string]*Identity // by name
	nkeys  map[string]*Identity // by public key
	noAuth *Identity            // nil if a peer needs credentials
	open   bool                 // a peer needs no credentials, but is told that it does
	mapped CertificateMap       // nil if certificates say nothing
	single *Identity            // nil if there is no single user
	token  *secret              // nil if there is none
	nobody *secret              // of an unknown user: time does not tell which names exist
	turns  *turns               // of computing hashes
	custom *custom              // nil if nobody is asked
	salt   []byte               // of secret.proven, unknown outside this process
}

// New returns the directory for cfg.
func New(cfg Config) *Directory {
	salt := make([]byte, sha256.Size)
	rand.Read(salt)
	return build(cfg, salt, new(turns))
}

// Next returns the directory for another cfg that replaces this one and goes on with
// what this one remembers.
func (d *Directory) Next(cfg Config) *Directory {
	next := build(cfg, d.salt, d.turns)
	if next.custom.same(d.custom) {
		next.custom = d.custom
	}
	next.token.inherit(d.token)
	for name, id := range next.users {
		id.secret.inherit(d.secretOf(name))
	}
	if next.single != nil {
		next.single.secret.inherit(d.secretOf(next.single.Name))
	}
	return next
}

// secretOf returns the secret of the user with that name, or nil.
func (d *Directory) secretOf(name string) *secret {
	if id := d.users[name]; id != nil {
		return id.secret
	}
	if d.single != nil && d.single.Name == name {
		return d.single.secret
	}
	return nil
}

func build(cfg Config, salt []byte, turns *turns) *Directory {
	d := &Directory{
		users:  make(map[string]*Identity, len(cfg.Users)),
		nkeys:  make(map[string]*Identity),
		nobody: newSecret(""),
		turns:  turns,
		salt:   salt,
	}
	for _, u := range cfg.Users {
		id := &Identity{Kind: ByName, Name: u.Name, Account: u.Account, Listed: true, Permissions: u.Permissions, types: u.Types}
		if u.Nkey != "" {
			id.Kind, id.Name = ByNkey, u.Nkey
			d.nkeys[u.Nkey] = id
			continue
		}
		id.secret = d.newSecret(u.Password)
		d.users[u.Name] = id
	}
	if cfg.MapCertificate != nil && len(d.users) > 0 {
		d.mapped = cfg.MapCertificate(slices.Collect(maps.Keys(d.users)))
	}
	if d.noAuth = d.users[cfg.NoAuthUser]; d.noAuth == nil {
		d.noAuth = d.nkeys[cfg.NoAuthUser]
	}
	d.open = cfg.Open
	if cfg.Custom != nil {
		d.custom = &custom{cfg.Custom}
	}
	if cfg.User != "" || cfg.Password != "" {
		d.single = &Identity{Kind: ByName, Name: cfg.User, secret: d.newSecret(cfg.Password)}
	}
	if cfg.Token != "" {
		d.token = newSecret(cfg.Token)
	}
	return d
}

// newSecret is a password. If any is a hash, looking up nobody takes as long.
func (d *Directory) newSecret(text string) *secret {
	s := newSecret(text)
	if s.hashed && !d.nobody.hashed {
		d.nobody = newSecret(text)
	}
	return s
}

// Required reports whether a peer has to be admitted at all.
func (d *Directory) Required() bool {
	return d.custom != nil || len(d.users) > 0 || len(d.nkeys) > 0 || d.single != nil || d.token != nil
}

// Asks reports whether the embedding program decides.
func (d *Directory) Asks() bool { return d.custom != nil }

// TakesTime reports whether Admit may take long.
func (d *Directory) TakesTime() bool {
	return d.custom != nil || d.nobody.hashed || d.token != nil && d.token.hashed
}

// Announced reports whether peers are told that they have to present credentials.
func (d *Directory) Announced() bool { return d.Required() && (d.custom != nil || d.noAuth == nil) }

// Challenges reports whether peers need a nonce.
func (d *Directory) Challenges() bool { return d.custom != nil || len(d.nkeys) > 0 }

// Silent reports whether a peer may come in without saying anything about itself.
func (d *Directory) Silent() bool {
	return d.custom == nil && (d.open || d.noAuth != nil && d.noAuth.secret != nil)
}

// Lists reports whether a name or nkey is that of a configured user.
func (d *Directory) Lists(name string) bool { return d.users[name] != nil || d.nkeys[name] != nil }

// anonymous is everybody where nothing is required, bearer whoever has the token.
var anonymous, bearer = Identity{}, Identity{Kind: ByToken}

// Admit returns who the peer with these credentials is, or nil if it may not come in.
// With hashes it takes its time; gone tells whether the peer does not wait any more, or,
// if it has waited for its turn, whether it seems so.
func (d *Directory) Admit(c Credentials, gone func(waited bool) bool) *Identity {
	if !d.Required() {
		return &anonymous
	}
	nothing := c.User == "" && c.Password == "" && c.Token == ""
	switch {
	case d.custom != nil:
		return d.custom.ask(c.Asked, gone)
	case c.Nkey != "" && len(d.nkeys) > 0:
		if id := d.nkeys[c.Nkey].on(c.Type); id != nil && SignatureFault(&c) == "" {
			return id
		}
		return nil
	case d.noAuth != nil && d.noAuth.Kind == ByNkey && nothing && c.Nkey == "":
		return d.noAuth.on(c.Type) // before certificates, as if that nkey had been presented
	case d.mapped != nil:
		return d.certified(c, gone)
	case d.noAuth != nil && nothing:
		return d.noAuth.on(c.Type)
	case d.open && nothing:
		return &anonymous
	case c.User != "" && len(d.users) > 0:
		return d.password(d.users[c.User].on(c.Type), c, gone)
	case d.token != nil:
		if d.matches(d.token, c.Token, c.Place, gone) {
			return &bearer
		}
		return nil
	case d.single != nil:
		// The password is compared in any case, so that time does not tell which of
		// the two was wrong.
		right := d.matches(d.single.secret, c.Password, c.Place, gone)
		if same(d.single.Name, c.User) && right {
			return d.single
		}
	}
	return nil
}

// on returns the identity if it may be used on a connection of a type, else nil.
func (i *Identity) on(kind string) *Identity {
	if i == nil || len(i.types) == 0 {
		return i
	}
	for _, t := range i.types {
		if t == kind {
			return i
		}
	}
	return nil
}

// certified returns the one that the certificate stands for, if the password is right.
func (d *Directory) certified(c Credentials, gone func(waited bool) bool) *Identity {
	if c.Certificate == nil {
		return nil
	}
	usable := func(name string) bool { return d.users[name].on(c.Type) != nil }
	name, ok := d.mapped(c.Certificate, usable)
	if !ok {
		return nil
	}
	return d.password(d.users[name], c, gone)
}

// password returns id, which may be nil, if the password is its own.
func (d *Directory) password(id *Identity, c Credentials, gone func(waited bool) bool) *Identity {
	if id == nil {
		d.matches(d.nobody, c.Password, c.Place, gone)
		return nil
	}
	if d.matches(id.secret, c.Password, c.Place, gone) {
		return id
	}
	return nil
}

// PlainPassword reports whether a configured password is readable by whoever can read
// the configuration.
func (d *Directory) PlainPassword() bool {
	for _, id := range d.users {
		if id.secret.plain() {
			return true
		}
	}
	return d.single != nil && d.single.secret.plain()
}
