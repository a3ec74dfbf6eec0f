// Holds what tests/precompiled.hpp is compiled to; see tests/CMakeLists.txt.
