package pseudonym

import (
	"slices"
	"strings"
)

// exact are names of members that hold personal data, in small letters and without signs between words.
var exact = []string{"name", "ip", "lat", "lon", "lng", "zip", "dob", "tel", "fax", "login", "user", "ssn", "iban",
	"bic", "pin", "cvv", "cvc", "city", "company"}

// within are parts of such names.
var within = []string{"mail", "phone", "mobile", "msisdn", "firstname", "lastname", "surname", "fullname", "givenname",
	"familyname", "middlename", "maidenname", "nickname", "username", "displayname", "customername", "contactname",
	"cardholder", "street", "address", "postcode", "postalcode", "zipcode", "birth", "socialsecurity", "nationalid",
	"passport", "taxid", "accountnumber", "cardnumber", "creditcard", "token", "password", "secret", "apikey",
	"authorization", "cookie", "sessionid", "deviceid", "advertisingid", "idfa", "latitude", "longitude", "avatar",
	"userid", "customerid", "personid", "memberid", "contactid", "subscriberid", "anonymousid", "visitorid",
	"accountid", "ipaddr", "remoteip", "clientip", "useragent"}

// plain is a name in small letters, without what stands between words.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '-' || r == ' ' || r == '.':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// personalName reports whether members of this name mostly hold personal data.
func personalName(name string) bool {
	name = plain(name)
	return slices.Contains(exact, name) ||
		slices.ContainsFunc(within, func(part string) bool { return strings.Contains(name, part) })
}

// pattern is the end of paths, such as user.id, in which * is any name.
type pattern []string

func patterns(texts []string) (all []pattern) {
	for _, text := range texts {
		all = append(all, strings.Split(strings.TrimPrefix(text, "."), "."))
	}
	return all
}

// ends reports whether a path ends as one of the patterns says.
func ends(all []pattern, path []string) bool {
	return slices.ContainsFunc(all, func(p pattern) bool {
		if len(p) > len(path) {
			return false
		}
		return slices.EqualFunc(p, path[len(path)-len(p):], func(want, name string) bool {
			return want == "*" || want == name
		})
	})
}
