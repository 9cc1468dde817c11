// Package seal encrypts what a dead letter holds of its event, so that whoever can read the log cannot read that.
//
// Sealed are the key, the value and the headers of the original record; the headers that tell why it failed stay as
// they are, so that letters can be listed and counted without a key. The cipher is AES-256-GCM with a new nonce for
// each record; the identities of letter and event are authenticated with it, so that no sealed content can be put under
// another letter. A store calls Seal before it writes a record and Open after it has read one.
//
// Keys stand in a file, one a line: an id, a blank, and 32 bytes in base64. The first one seals; all of them open, so
// that a new key is put before the old ones. The file is read again when it has changed. A Sealer may be used from
// several goroutines; its lock guards what was read of the file. Begin with Sealer.
package seal
