// Headers of nearly every test, compiled once. A test still includes what it uses.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <nexus/nexus.hpp>
#include <random>
#include <set>
#include <sstream>
#include <thread>
#include <vector>
