// A JSON document in a folder, written whole or not at all.
#pragma once

#include <string>

#include "bench/run/json.h"

namespace heapwise {

/// Makes the folder where it is not there: before what goes into it is measured, so that nothing is
/// lost for want of a place. Throws RunError that tells to choose another with --out.
void make_document_folder(const std::string& folder);

/// Makes the folder where it is not there. Written beside, synced, renamed. Throws RunError that
/// tells to choose another folder with --out.
void write_document(const std::string& folder, const std::string& name, const Json& document);

}  // namespace heapwise
