// What instruction_program does and instruction_test divides by.
#pragma once

inline constexpr int kGroup = 4;
inline constexpr int kRoundsBefore = 16;
inline constexpr int kRounds = 5;
