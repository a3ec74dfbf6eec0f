// The tests of the contract suite, compiled once for all programs of this folder.
#include <nexus/testkit/journal_contract.hpp>
