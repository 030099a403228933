package options

import (
	"encoding/json"

	"github.com/nats-io/nkeys"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/perms"
)

// people is what the blocks with users know of each other while a file is read: all names
// and nkeys of a server are different.
type people struct {
	seen       map[string]sighting
	inAccounts conf.Pos // the first list of users of an account
}

type sighting struct {
	at        conf.Pos
	list      *[]*User
	inAccount bool
}

// forget takes back what is not in force any more, since its key came again.
func (p *people) forget(old func(sighting) bool) {
	for name, s := range p.seen {
		if old(s) {
			delete(p.seen, name)
		}
	}
}

// users is a list of users of the authorization block or of an account.
func (p *people) users(list *[]*User, inAccount bool) keys.Value {
	show := func() string {
		if len(*list) == 0 {
			return "[]" // whether there is a list or not
		}
		b, _ := json.Marshal(*list) // texts and numbers always encode
		return string(b)
	}
	return keys.List(new(User).keys(), show, func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.Array {
			r.Errorf(v.Pos, "Expected users field to be an array, got %s: write users: [ { … } ]", text(v))
			return
		}
		if inAccount && p.inAccounts == (conf.Pos{}) {
			p.inAccounts = v.Pos
		}
		p.forget(func(s sighting) bool { return s.list == list })
		*list = make([]*User, 0, len(v.List))
		for _, e := range v.List {
			u := new(User)
			if u.read(r, e) && p.isNew(r, u, sighting{e.Pos, list, inAccount}) {
				*list = append(*list, u)
			}
		}
	})
}

// giveDefaults is for the end of a block: in it the order of keys does not matter.
func giveDefaults(users []*User, p *perms.Config) {
	for _, u := range users {
		if u.Permissions == nil {
			u.Permissions = p
		}
	}
}

func (p *people) isNew(r *keys.Report, u *User, s sighting) bool {
	if first, known := p.seen[u.id()]; known {
		kind := "user"
		if u.Nkey != "" {
			kind = "nkey"
		}
		r.Errorf(s.at, "Duplicate %s %q detected: the first one is at %s", kind, u.id(), first.at)
		return false
	}
	p.seen[u.id()] = s
	return true
}

// read takes one entry of a list of users, and reports whether it is good.
func (u *User) read(r *keys.Report, v *conf.Value) bool {
	if v.Kind != conf.Map {
		r.Errorf(v.Pos, "Expected user entry to be a map/struct, got %s", text(v))
		return false
	}
	if !r.Block("user", u.keys(), v) {
		return false
	}
	switch {
	case u.Nkey != "" && !nkeys.IsValidPublicUserKey(u.Nkey):
		r.Errorf(v.Pos, "Not a valid public nkey for a user")
	case u.Nkey != "" && (u.Username != "" || u.Password != ""):
		r.Errorf(v.Pos, "Nkey users do not take usernames or passwords")
	case u.id() == "":
		r.Errorf(v.Pos, "User entry requires a user")
	default:
		return true
	}
	return false
}
