// Package fetch downloads published data sets and verifies them by their hashes.
//
// A [Dataset] is a title, a licence, a citation and some [File]s. [Published] lists them. A
// [Store] is the folder they are kept in, one folder below it for each data set:
//
//	Fetch    download what is missing, from the first address that gives the right bytes
//	Import   take files that the user got by hand
//	Verify   read everything again and compare
//
// # What is promised
//
// A file has its final name only if its bytes are the published ones, by SHA-256 or by the
// id that git gives a blob. The addresses are not promised: they may move or vanish, and
// then Import is the way.
//
// # What lies in the folder
//
//	ptb.train.txt              checked
//	ptb.train.txt.part         a download that was broken off, and goes on next time
//	ptb.train.txt.part.from    its address, and which version of the file it is a part of
//	ptb.train.txt.wrong        what an address gave instead; for the user to look at
//	snli_1.0/                  the unpacked snli_1.0.zip
//
// An unpacked folder appears whole or not at all. Its files are not forced to the disk one by
// one, because OMNIGLOT has 32,000 of them: after a power cut, Verify tells, and Fetch
// unpacks again.
//
// # Distrust
//
// A server may break off, lie about the length, ignore that a part was asked for, change the
// file between two parts, or answer with a web page. An archive may name files outside its
// folder, hold links, or unpack to more than the disk. Each of these is refused by name.
package fetch
