// Package fetch downloads published data sets and verifies them by their hashes.
//
// A [Dataset] is a title, a licence, a citation and some [File]s. [Published] lists them. A
// [Store] is a folder with one folder per data set:
//
//	Fetch    download what is missing, from the first address that gives the right bytes
//	Import   copy files that the user downloaded
//	Verify   read all files again and compare
//
// # Guarantees
//
// A file has its final name only if its bytes are the published ones, by SHA-256 or by the
// id that git gives a blob. Addresses may change or vanish; use Import then.
//
// # Files in the folder
//
//	ptb.train.txt              verified
//	ptb.train.txt.part         an incomplete download, which the next Fetch resumes
//	ptb.train.txt.part.from    its address and the version of the file
//	ptb.train.txt.wrong        a download with other bytes, kept for the user
//	snli_1.0/                  the unpacked snli_1.0.zip
//
// An unpacked folder appears whole or not at all. Its files are not synced to disk one by one,
// because OMNIGLOT has 32,000 of them. After a power cut Verify detects missing bytes, and Fetch
// unpacks again.
//
// # Untrusted input
//
// A server may close the connection, send a wrong length, ignore a range request, change the
// file between two requests, or answer with a web page. An archive may name files outside its
// folder, contain links, or unpack to more than the disk. Each case has an error of its own.
package fetch
