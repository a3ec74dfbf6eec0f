// Holds the compiled tests/precompiled.hpp; see tests/CMakeLists.txt.
